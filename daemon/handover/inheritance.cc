#include "daemon/handover/inheritance.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>

#include "absl/strings/strip.h"
#include "proto/decimal.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

void Place(UniqueFd& place, UniqueFd fd) {
  if (!place.valid()) place = std::move(fd);
}

}  // namespace

Inheritance SortInheritance(std::vector<std::pair<std::string, UniqueFd>> fds) {
  Inheritance inheritance;
  for (auto& [name, fd] : fds) {
    absl::string_view rest = name;
    if (name == "rpc") {
      Place(inheritance.rpc_listener, std::move(fd));
    } else if (name == "fd") {
      Place(inheritance.fd_listener, std::move(fd));
    } else if (name == "admin") {
      Place(inheritance.admin_listener, std::move(fd));
    } else if (name == "prober") {
      Place(inheritance.prober, std::move(fd));
    } else if (name == "barrier") {
      Place(inheritance.barrier, std::move(fd));
    } else if (name == kDmaBufWatchName) {
      Place(inheritance.dma_buf_watch, std::move(fd));
    } else if (name == kMemfdWatchName) {
      Place(inheritance.memfd_watch, std::move(fd));
    } else if (name == kUdmabufName) {
      Place(inheritance.udmabuf, std::move(fd));
    } else if (absl::ConsumePrefix(&rest, "heap.")) {
      inheritance.heap_nodes.push_back({std::string(rest), std::move(fd)});
    } else if (absl::ConsumePrefix(&rest, "drm.")) {
      inheritance.drm_cards.push_back({std::string(rest), std::move(fd)});
    } else if (absl::ConsumePrefix(&rest, "sync.")) {
      size_t place = 0;
      if (ParseDecimal(rest, place)) inheritance.filesystems.try_emplace(place, std::move(fd));
    } else if (absl::ConsumePrefix(&rest, "buffer.")) {
      if (const auto key = BufferKey::Parse(rest); key.has_value()) {
        inheritance.held_buffers.try_emplace(*key, std::move(fd));
      }
    }
  }
  return inheritance;
}

absl::StatusOr<Inheritance> TakeInheritance() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  if (count < 0) return ErrnoStatus(-count, "sd_listen_fds_with_names");
  std::vector<std::pair<std::string, UniqueFd>> fds;
  for (int i = 0; i < count; ++i) {
    fds.emplace_back(names[i], UniqueFd(SD_LISTEN_FDS_START + i));
    free(names[i]);
  }
  free(names);
  Inheritance inheritance = SortInheritance(std::move(fds));
  if (!inheritance.rpc_listener.valid() || !inheritance.fd_listener.valid() ||
      !inheritance.admin_listener.valid()) {
    return absl::FailedPreconditionError(
        "no listening sockets were handed over: start dmaheapd without --role, it starts its "
        "broker "
        "itself");
  }
  return inheritance;
}

}  // namespace dmaheap

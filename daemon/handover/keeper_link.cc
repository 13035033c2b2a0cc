#include "daemon/handover/keeper_link.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"

namespace dmaheap {

absl::StatusOr<std::unique_ptr<KeeperLink>> KeeperLink::Create(absl::string_view address) {
  if (address.empty()) return std::unique_ptr<KeeperLink>(new KeeperLink(UniqueFd()));
  sockaddr_un peer = {};
  peer.sun_family = AF_UNIX;
  if (address.size() >= sizeof(peer.sun_path)) {
    return ErrnoStatus(ENAMETOOLONG, absl::StrCat("NOTIFY_SOCKET ", address));
  }
  memcpy(peer.sun_path, address.data(), address.size());
  if (address[0] == '@') peer.sun_path[0] = '\0';
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return ErrnoStatus(errno, "socket");
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&peer), length) != 0) {
    return ErrnoStatus(errno, absl::StrCat("NOTIFY_SOCKET ", address));
  }
  return std::unique_ptr<KeeperLink>(new KeeperLink(std::move(socket)));
}

absl::Status KeeperLink::Notify(absl::string_view state) {
  if (!socket_.valid()) return absl::OkStatus();
  return SendDatagram(socket_.get(), state, {});
}

absl::Status KeeperLink::Store(absl::string_view name, int fd) {
  if (!socket_.valid()) return absl::OkStatus();
  return SendDatagram(socket_.get(), absl::StrCat("FDSTORE=1\nFDNAME=", name), {fd});
}

absl::Status KeeperLink::Remove(absl::string_view name) {
  if (!socket_.valid()) return absl::OkStatus();
  return SendDatagram(socket_.get(), absl::StrCat("FDSTOREREMOVE=1\nFDNAME=", name), {});
}

}  // namespace dmaheap

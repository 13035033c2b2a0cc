// Datagrams on the fd channel, at either end. The first byte says how many fds go with it.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/errno_status.h"
#include "proto/fd_channel.h"
#include "proto/fd_socket.h"
#include "proto/rpc_status.h"
#include "proto/wire.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/seqpacket_pair.h"

namespace dmaheap::fuzz {
namespace {

std::vector<int> Fds(int socket, size_t count) { return std::vector<int>(count, socket); }

void CheckAtDaemon(absl::string_view bytes, size_t fds) {
  const SeqpacketPair channel;
  if (!SendDatagram(channel.one.get(), bytes, Fds(channel.one.get(), fds)).ok()) return;
  const auto message = ReceiveFromClient(channel.other.get());
  if (fds > 0) {
    DEMAND(absl::IsInvalidArgument(message.status()));
    return;
  }
  if (bytes.empty()) return;
  if (!message.ok()) {
    DEMAND(absl::IsInvalidArgument(message.status()));
    return;
  }
  DEMAND(bytes.size() <= kMaxDatagramBytes);
  // Fields that are not known come through as well.
  if (!SendToServer(channel.one.get(), *message).ok()) return;
  const auto again = ReceiveFromClient(channel.other.get());
  if (message->ByteSizeLong() == 0 || message->ByteSizeLong() > kMaxDatagramBytes) return;
  DEMAND(again.ok() && again->SerializeAsString() == message->SerializeAsString());
}

void CheckAtClient(absl::string_view bytes, size_t fds) {
  const SeqpacketPair channel;
  if (!SendDatagram(channel.one.get(), bytes, Fds(channel.one.get(), fds)).ok()) return;
  const auto frame = ReceiveFromServer(channel.other.get());
  if (!frame.ok()) return;
  DEMAND(bytes.size() <= kMaxDatagramBytes);
  const size_t entries = static_cast<size_t>(frame->message.buffers().entries_size());
  DEMAND(frame->fds.size() <= entries);
  DEMAND(frame->truncated == (frame->fds.size() < entries));
  for (const UniqueFd& fd : frame->fds) DEMAND(fd.valid());
  // What a refusal becomes for the caller.
  if (!frame->message.has_refusal()) return;
  const absl::Status status = FromRpcStatus(frame->message.refusal().status());
  const auto written = ToRpcStatus(status);
  DEMAND(FromRpcStatus(written).code() == status.code());
  DEMAND(FromRpcStatus(written).message() == status.message());
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap::fuzz;
  Input input(data, size);
  const size_t fds = input.Take<uint8_t>() % (dmaheap::kMaxFdsPerFrame + 2);
  const absl::string_view bytes = input.TakeRest();
  const int before = NextFd();
  CheckAtDaemon(bytes, fds);
  CheckAtClient(bytes, fds);
  DEMAND(NextFd() == before);
  return 0;
}

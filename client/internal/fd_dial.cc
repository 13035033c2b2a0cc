#include "client/internal/fd_dial.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/unix_connect.h"
#include "client/internal/unreachable.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/rpc_status.h"
#include "proto/wire.h"

namespace dmaheap::client_internal {
namespace {

bool WaitReadable(int socket, const Deadline& deadline) {
  for (;;) {
    pollfd entry = {.fd = socket, .events = POLLIN, .revents = 0};
    if (poll(&entry, 1, deadline.PollMilliseconds()) > 0) return true;
    if (deadline.Expired()) return false;
  }
}

}  // namespace

absl::StatusOr<DialedChannel> DialFdChannel(const std::string& socket_path,
                                            const std::string& label, bool gives_back,
                                            const Deadline& deadline) {
  const absl::Duration patience = deadline.Remaining();
  absl::StatusOr<UniqueFd> socket_fd = ConnectUnix(socket_path, SOCK_SEQPACKET);
  if (!socket_fd.ok()) return socket_fd.status();

  v1::ClientMessage hello;
  hello.mutable_hello()->set_min_wire_version(kMinWireVersion);
  hello.mutable_hello()->set_max_wire_version(kMaxWireVersion);
  hello.mutable_hello()->set_label(label);
  hello.mutable_hello()->set_library_version(std::string(kVersion));
  hello.mutable_hello()->set_gives_back(gives_back);
  // A daemon that refuses may have answered and closed before our Hello: its answer is still there.
  const absl::Status sent = SendToServer(socket_fd->get(), hello);
  if (!sent.ok() && GetErrno(sent) != EPIPE && GetErrno(sent) != ECONNRESET) {
    return HandshakeClosedError(socket_path);
  }

  for (;;) {
    if (!WaitReadable(socket_fd->get(), deadline)) return SilentDaemonError(socket_path, patience);
    absl::StatusOr<ServerFrame> frame = ReceiveFromServer(socket_fd->get());
    if (!frame.ok()) {
      // ECONNRESET comes once, before what the daemon had still sent (unix_release_sock of
      // net/unix/af_unix.c): read on until the end.
      const int error_number = GetErrno(frame.status());
      if (error_number == EAGAIN || error_number == ECONNRESET) continue;
      if (frame.status().code() == absl::StatusCode::kOutOfRange) {
        return HandshakeClosedError(socket_path);
      }
      return Error(ErrorReason::INTERNAL_ERROR,
                   absl::StrCat("the daemon's answer to the handshake at ", socket_path,
                                " is not to be understood: ", frame.status().message()))
          .With("socket_path", socket_path);
    }
    if (frame->message.has_refusal()) {
      return ExplainRefusal(FromRpcStatus(frame->message.refusal().status()));
    }
    if (!frame->message.has_welcome()) continue;
    const v1::Welcome& welcome = frame->message.welcome();
    if (welcome.wire_version() < kMinWireVersion || welcome.wire_version() > kMaxWireVersion) {
      return WireVersionError(welcome.wire_version(), welcome.wire_version(),
                              welcome.server_version());
    }
    return DialedChannel{.socket = *std::move(socket_fd), .welcome = welcome};
  }
}

}  // namespace dmaheap::client_internal

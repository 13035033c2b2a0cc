#include "tests/e2e/raw_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proto/errno_status.h"
#include "proto/fd_channel.h"
#include "proto/rpc_status.h"

namespace dmaheap {

absl::StatusOr<UniqueFd> ConnectSocket(const std::string& path, int type) {
  UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return ErrnoStatus(errno, "socket");
  const timeval patience = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoStatus(errno, path);
  }
  return socket;
}

v1::ClientMessage MakeHello(int min_wire_version, int max_wire_version) {
  v1::ClientMessage message;
  message.mutable_hello()->set_min_wire_version(min_wire_version);
  message.mutable_hello()->set_max_wire_version(max_wire_version);
  message.mutable_hello()->set_label("raw");
  return message;
}

absl::StatusOr<v1::Welcome> SayHello(int socket, const v1::ClientMessage& hello) {
  // A daemon that refuses may have answered and closed already: its answer is still there.
  SendToServer(socket, hello).IgnoreError();
  while (true) {
    absl::StatusOr<ServerFrame> frame = ReceiveFromServer(socket);
    // Comes once, before what the daemon had still sent.
    if (GetErrno(frame.status()) == ECONNRESET) continue;
    if (!frame.ok()) return frame.status();
    if (frame->message.has_refusal()) return FromRpcStatus(frame->message.refusal().status());
    if (frame->message.has_welcome()) return frame->message.welcome();
  }
}

}  // namespace dmaheap

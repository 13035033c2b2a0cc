#include "proto/fd_channel.h"

#include <cerrno>
#include <string>
#include <utility>

#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/wire.h"

namespace dmaheap {

absl::Status SendToServer(int socket, const v1::ClientMessage& message) {
  return SendDatagram(socket, message.SerializeAsString(), {});
}

absl::StatusOr<ServerFrame> ReceiveFromServer(int socket) {
  absl::StatusOr<Datagram> datagram = ReceiveDatagram(socket, kMaxDatagramBytes, kMaxFdsPerFrame);
  if (!datagram.ok()) return datagram.status();
  if (datagram->end_of_stream) return absl::OutOfRangeError("the daemon closed the fd channel");
  ServerFrame frame;
  if (datagram->bytes_truncated || !frame.message.ParseFromString(datagram->bytes)) {
    return absl::DataLossError("a message on the fd channel does not parse");
  }
  const size_t entries = static_cast<size_t>(frame.message.buffers().entries_size());
  if (datagram->fds.size() > entries) {
    return absl::DataLossError("a message on the fd channel has more fds than entries");
  }
  frame.truncated = datagram->fds_truncated || datagram->fds.size() < entries;
  frame.fds = std::move(datagram->fds);
  return frame;
}

absl::Status SendToClient(int socket, const v1::ServerMessage& message, absl::Span<const int> fds) {
  if (fds.size() > static_cast<size_t>(kMaxFdsPerFrame) ||
      fds.size() != static_cast<size_t>(message.buffers().entries_size())) {
    return ErrnoStatus(EINVAL, "fds of a frame");
  }
  return SendDatagram(socket, message.SerializeAsString(), fds);
}

absl::StatusOr<v1::ClientMessage> ReceiveFromClient(int socket) {
  absl::StatusOr<Datagram> datagram = ReceiveDatagram(socket, kMaxDatagramBytes, /*max_fds=*/0);
  if (!datagram.ok()) return datagram.status();
  if (datagram->fds_truncated) {
    return absl::InvalidArgumentError("the client sent a file descriptor");
  }
  if (datagram->end_of_stream) return absl::OutOfRangeError("the client closed the fd channel");
  v1::ClientMessage message;
  if (datagram->bytes_truncated || !message.ParseFromString(datagram->bytes)) {
    return absl::InvalidArgumentError("a message on the fd channel does not parse");
  }
  return message;
}

}  // namespace dmaheap

// The fd channel: typed messages over a SOCK_SEQPACKET socket, and the fds that gRPC can not carry.
//
// The client end sends ClientMessage and receives ServerMessage with fds; the daemon end the other
// way round, and never accepts an fd. The functions borrow a connected socket. Sends never block;
// receives block if the socket does. One thread may receive while others send.
//
// Life of a connection, for the client:
//   Hello -> Welcome | Refusal;  then Buffers with fds -> Receipt, any number;  Release at any
//   time.

#ifndef PROTO_FD_CHANNEL_H_
#define PROTO_FD_CHANNEL_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// What the client end receives.
struct ServerFrame {
  v1::ServerMessage message;
  // For Buffers: one fd for each entry that arrived, in order, O_CLOEXEC.
  std::vector<UniqueFd> fds;
  // Fewer fds arrived than the message has entries: RLIMIT_NOFILE, or a security module refused.
  bool truncated = false;
};

// Client end. Both calls fail with the errno of the socket (EAGAIN: try later); ReceiveFromServer
// also with kOutOfRange when the daemon closed, and kDataLoss for what does not parse.
absl::Status SendToServer(int socket, const v1::ClientMessage& message);
absl::StatusOr<ServerFrame> ReceiveFromServer(int socket);

// Daemon end. Sends fds (borrowed, at most kMaxFdsPerFrame) with a message that has an entry for
// each. EAGAIN: the client does not read. ETOOMANYREFS: too many fds of this uid are in flight.
absl::Status SendToClient(int socket, const v1::ServerMessage& message, absl::Span<const int> fds);

// Daemon end. kOutOfRange when the client closed. kInvalidArgument, after which the session must
// end: the datagram is too long, does not parse, or carried an fd (which was discarded).
absl::StatusOr<v1::ClientMessage> ReceiveFromClient(int socket);

}  // namespace dmaheap

#endif  // PROTO_FD_CHANNEL_H_

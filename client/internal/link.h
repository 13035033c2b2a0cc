// The two halves of a connection to the daemon: a session on the fd channel, and an RPC channel.
//
// Immutable once made; a lost connection is replaced by a new Link. Thread-safe.

#ifndef CLIENT_INTERNAL_LINK_H_
#define CLIENT_INTERNAL_LINK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/internal/deadline.h"
#include "client/internal/fd_session.h"
#include "dmaheap/v1/allocator.grpc.pb.h"

namespace dmaheap::client_internal {

struct Link {
  std::shared_ptr<FdSession> session;
  std::unique_ptr<v1::Allocator::Stub> stub;
};

// What a Client connects to, and as whom.
struct Endpoint {
  std::string fd_socket_path;
  std::string rpc_socket_path;
  std::string label;
  // Empty: this client is not asked.
  FdSession::OnGiveBack on_give_back = {};
};

// A new session and a new RPC channel. Errors of DialFdChannel.
absl::StatusOr<std::shared_ptr<Link>> DialLink(const Endpoint& endpoint, const Deadline& deadline);

// A new RPC channel for a session that lives. Does not block. Errors of ConnectUnix.
absl::StatusOr<std::shared_ptr<Link>> RelinkSession(const Endpoint& endpoint,
                                                    std::shared_ptr<FdSession> session);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_LINK_H_

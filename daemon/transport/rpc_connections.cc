#include "daemon/transport/rpc_connections.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "daemon/limits.h"
#include "daemon/log.h"
#include "grpcpp/server_posix.h"
#include "spdlog/spdlog.h"

namespace dmaheap {

RpcConnections::~RpcConnections() {
  for (auto& [number, connection] : connections_) loop_.Unwatch(connection.watch);
}

void RpcConnections::Add(UniqueFd connection, PeerIdentity peer) {
  if (connections_.size() >= kMaxRpcConnections) {
    spdlog::warn("event=rpc_connection_refused uid={} connections={}", peer.principal.uid,
                 connections_.size());
    return;
  }
  // F_DUPFD gives the lowest free number from next_fd_ on; past the limit, from the start again.
  next_fd_ = std::max(next_fd_, kFirstRpcFd);
  int grpc_fd = fcntl(connection.get(), F_DUPFD_CLOEXEC, next_fd_);
  if (grpc_fd < 0) grpc_fd = fcntl(connection.get(), F_DUPFD_CLOEXEC, kFirstRpcFd);
  if (grpc_fd < 0) {
    spdlog::warn("event=rpc_connection_refused uid={} reason=\"no fd number left\"",
                 peer.principal.uid);
    return;
  }
  next_fd_ = grpc_fd + 1;

  const uint64_t number = next_number_++;
  const uint64_t generation = identities_.Insert(grpc_fd, std::move(peer));
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(connection.get(), EPOLLRDHUP, [this, number](uint32_t) { OnHangUp(number); });
  if (!watch.ok()) {
    identities_.Erase(grpc_fd, generation);
    UniqueFd closed(grpc_fd);
    return;
  }
  connections_.emplace(number, Connection{std::move(connection), grpc_fd, generation, *watch});
  grpc::AddInsecureChannelFromFd(&server_, grpc_fd);
}

void RpcConnections::OnHangUp(uint64_t number) {
  const auto it = connections_.find(number);
  if (it == connections_.end()) return;
  loop_.Unwatch(it->second.watch);
  identities_.Erase(it->second.grpc_fd, it->second.generation);
  connections_.erase(it);
}

}  // namespace dmaheap

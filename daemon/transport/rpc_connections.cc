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
  const uint32_t uid = peer.principal.uid;
  const auto of_uid = of_uid_.find(uid);
  if (of_uid != of_uid_.end() && of_uid->second >= kMaxRpcConnectionsPerUid) {
    return Refuse(uid, "the uid has too many");
  }
  if (connections_.size() >= kMaxRpcConnections) return Refuse(uid, "there are too many");
  const int grpc_fd = TakeNumber(connection.get());
  if (grpc_fd < 0) return Refuse(uid, "no fd number left");

  const uint64_t number = next_number_++;
  const uint64_t generation = identities_.Insert(grpc_fd, std::move(peer));
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(connection.get(), EPOLLRDHUP, [this, number](uint32_t) { OnHangUp(number); });
  if (!watch.ok()) {
    identities_.Erase(grpc_fd, generation);
    UniqueFd closed(grpc_fd);
    return;
  }
  connections_.emplace(number, Connection{uid, std::move(connection), grpc_fd, generation, *watch});
  ++of_uid_[uid];
  grpc::AddInsecureChannelFromFd(&server_, grpc_fd);
}

int RpcConnections::TakeNumber(int connection) {
  // F_DUPFD gives the lowest free number from next_fd_ on.
  UniqueFd number(fcntl(connection, F_DUPFD_CLOEXEC, std::max(next_fd_, kFirstRpcFd)));
  if (!number.valid() || number.get() >= static_cast<int>(kMaxOpenFiles)) {
    number.Reset(fcntl(connection, F_DUPFD_CLOEXEC, kFirstRpcFd));
  }
  if (!number.valid() || number.get() >= static_cast<int>(kMaxOpenFiles)) return -1;
  next_fd_ = number.get() + 1;
  return number.Take();
}

void RpcConnections::Refuse(uint32_t uid, absl::string_view reason) {
  if (!log_budget_.Take()) return;
  spdlog::warn("event=rpc_connection_refused uid={} connections={} reason={} suppressed={}", uid,
               connections_.size(), LogValue(reason), log_budget_.TakeSuppressed());
}

void RpcConnections::OnHangUp(uint64_t number) {
  const auto it = connections_.find(number);
  if (it == connections_.end()) return;
  const auto of_uid = of_uid_.find(it->second.uid);
  if (--of_uid->second == 0) of_uid_.erase(of_uid);
  loop_.Unwatch(it->second.watch);
  identities_.Erase(it->second.grpc_fd, it->second.generation);
  connections_.erase(it);
}

}  // namespace dmaheap

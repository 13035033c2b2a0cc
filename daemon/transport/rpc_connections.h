// The RPC connections: gives each to gRPC under an fd number of its own choosing, so that the
// number names the connection (identity_table.h), and learns when it ends.
//
// Numbers go round in [kFirstRpcFd, kMaxOpenFiles), or up to RLIMIT_NOFILE where that is less: one
// that gRPC just closed is used again last. gRPC closes it after the last call of its connection,
// so that "fd:N" never names another connection than the call's. Inside tasks of the executor only.

#ifndef DAEMON_TRANSPORT_RPC_CONNECTIONS_H_
#define DAEMON_TRANSPORT_RPC_CONNECTIONS_H_

#include <cstdint>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "daemon/loop/event_loop.h"
#include "daemon/telemetry/log_budget.h"
#include "daemon/transport/identity_table.h"
#include "daemon/transport/peer.h"
#include "grpcpp/server.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class RpcConnections {
 public:
  RpcConnections(EventLoop& loop, IdentityTable& identities, grpc::Server& server)
      : loop_(loop), identities_(identities), server_(server) {}
  ~RpcConnections();

  // Closes the connection if there are kMaxRpcConnections already, or kMaxRpcConnectionsPerUid of
  // its uid, or no fd number is left.
  void Add(UniqueFd connection, PeerIdentity peer);

  size_t size() const { return connections_.size(); }

 private:
  struct Connection {
    uint32_t uid;
    // Our own reference, in our own epoll set: gRPC's number tells us nothing when it is closed.
    UniqueFd socket;
    int grpc_fd;
    uint64_t generation;
    EventLoop::WatchId watch;
  };

  void OnHangUp(uint64_t number);
  void Refuse(uint32_t uid, absl::string_view reason);
  // A second number for connection; -1 if there is none.
  int TakeNumber(int connection);

  EventLoop& loop_;
  IdentityTable& identities_;
  grpc::Server& server_;
  LogBudget log_budget_{loop_};
  uint64_t next_number_ = 1;
  int next_fd_ = 0;
  std::map<uint64_t, Connection> connections_;
  // How many of them each uid has; none: no entry.
  absl::flat_hash_map<uint32_t, size_t> of_uid_;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_RPC_CONNECTIONS_H_

// A gRPC server that listens nowhere: its connections are handed to it (rpc_connections.h). Serves
// reflection and health beside what it is given.

#ifndef DAEMON_TRANSPORT_RPC_SERVER_H_
#define DAEMON_TRANSPORT_RPC_SERVER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"

namespace dmaheap {

// Borrows the services, which outlive the server. Larger requests are refused.
absl::StatusOr<std::unique_ptr<grpc::Server>> StartRpcServer(
    const std::vector<grpc::Service*>& services, int max_request_bytes);

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_RPC_SERVER_H_

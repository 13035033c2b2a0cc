// The RPC half of a connection.

#ifndef CLIENT_INTERNAL_GRPC_CHANNEL_H_
#define CLIENT_INTERNAL_GRPC_CHANNEL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/internal/deadline.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace dmaheap::client_internal {

// A channel over one connection, made here and now; when that is lost every call fails with
// kUnavailable, and a new channel is needed. gRPC's own connecting is not used: it hides the errno,
// waits with a backoff of its own, and keeps the socket of a channel that goes while connecting for
// 20 s. Nor are two Clients ever to share a connection, by which the daemon knows who calls.
// Errors of ConnectUnix. Thread-safe.
absl::StatusOr<std::shared_ptr<grpc::Channel>> ConnectGrpcChannel(const std::string& socket_path);

void SetDeadline(grpc::ClientContext& context, const Deadline& deadline);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_GRPC_CHANNEL_H_

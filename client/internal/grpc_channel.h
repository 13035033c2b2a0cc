// The RPC half of a connection.

#ifndef CLIENT_INTERNAL_GRPC_CHANNEL_H_
#define CLIENT_INTERNAL_GRPC_CHANNEL_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "client/internal/deadline.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace dmaheap::client_internal {

// A channel of its own: no connection is shared with another channel of the process, no proxy and
// no name service is asked, and gRPC repeats nothing by itself. It connects with the first call.
std::shared_ptr<grpc::Channel> MakeGrpcChannel(absl::string_view socket_path);

void SetDeadline(grpc::ClientContext& context, const Deadline& deadline);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_GRPC_CHANNEL_H_

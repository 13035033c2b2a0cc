// absl::Status over gRPC: the code, the text, and the google.rpc details in the trailer that stock
// tools decode (grpc-status-details-bin).

#ifndef PROTO_GRPC_STATUS_H_
#define PROTO_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace dmaheap {

// For a server's answer. Payloads that are no google.rpc details (the errno) stay behind. Trailers
// are limited to 8 KiB by gRPC: when the details do not fit, all but the ErrorInfo are dropped,
// and that too if it alone is too large.
grpc::Status ToGrpcStatus(const absl::Status& status);

// For a client that got an answer. An error without our details keeps code and text.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace dmaheap

#endif  // PROTO_GRPC_STATUS_H_

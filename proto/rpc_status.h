// absl::Status as the message google.rpc.Status, and back.

#ifndef PROTO_RPC_STATUS_H_
#define PROTO_RPC_STATUS_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace dmaheap {

// Payloads that are no google.rpc details (the errno) stay behind.
google::rpc::Status ToRpcStatus(const absl::Status& status);

absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace dmaheap

#endif  // PROTO_RPC_STATUS_H_

// absl::Status as the message google.rpc.Status, and back.

#ifndef PROTO_RPC_STATUS_H_
#define PROTO_RPC_STATUS_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace dmaheap {

// Both ways, payloads that are no google.rpc details stay behind: the errno is one of this process.
google::rpc::Status ToRpcStatus(const absl::Status& status);

absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace dmaheap

#endif  // PROTO_RPC_STATUS_H_

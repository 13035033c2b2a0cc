#include "proto/grpc_status.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "proto/rpc_status.h"

namespace dmaheap {
namespace {

// gRPC refuses metadata above 8 KiB by default (GRPC_ARG_MAX_METADATA_SIZE); base64 and the text,
// which travels beside the details, need their share.
constexpr size_t kMaxDetailBytes = 4096;

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status message = ToRpcStatus(status);
  if (message.ByteSizeLong() > kMaxDetailBytes) {
    auto* details = message.mutable_details();
    details->erase(std::remove_if(details->begin(), details->end(),
                                  [](const google::protobuf::Any& detail) {
                                    return !absl::EndsWith(detail.type_url(),
                                                           "google.rpc.ErrorInfo");
                                  }),
                   details->end());
    // gRPC would put an error of its own, without any of this, in the place of one that is too
    // large.
    if (message.ByteSizeLong() > kMaxDetailBytes) details->Clear();
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      message.details().empty() ? std::string() : message.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status message;
  if (status.error_details().empty() || !message.ParseFromString(status.error_details()) ||
      message.code() != static_cast<int>(status.error_code())) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
  return FromRpcStatus(message);
}

}  // namespace dmaheap

#include "proto/rpc_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace dmaheap {
namespace {

constexpr absl::string_view kDetailPrefix = "type.googleapis.com/google.rpc.";

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status message;
  message.set_code(static_cast<int>(status.code()));
  message.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    if (!absl::StartsWith(type_url, kDetailPrefix)) return;
    auto* detail = message.add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::string(payload));
  });
  return message;
}

absl::Status FromRpcStatus(const google::rpc::Status& message) {
  absl::Status status(static_cast<absl::StatusCode>(message.code()), message.message());
  for (const auto& detail : message.details()) {
    if (!absl::StartsWith(detail.type_url(), kDetailPrefix)) continue;
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

}  // namespace dmaheap

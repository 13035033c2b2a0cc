// Errors as they come from a daemon, with details of which each may be anything.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/rpc_status.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  google::rpc::Status message;
  if (!message.ParseFromString(std::string(fuzz::AsText(data, size)))) return 0;
  const absl::Status status = FromRpcStatus(message);
  // A server's errno is not ours.
  DEMAND(GetErrno(status) == 0);
  if (status.ok()) return 0;
  if (const auto delay = GetRetryAfter(status); delay.has_value()) {
    DEMAND(*delay >= absl::ZeroDuration());
  }
  DEMAND(v1::ErrorReason_IsValid(GetReason(status)));
  GetErrorValue(status, "heap");
  const absl::Status again = FromRpcStatus(ToRpcStatus(status));
  DEMAND(again.code() == status.code() && again.message() == status.message());
  DEMAND(GetReason(again) == GetReason(status) && GetRetryAfter(again) == GetRetryAfter(status));
  return 0;
}

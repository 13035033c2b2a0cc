#include "client/ctl/exit_code.h"

#include "proto/error.h"

namespace dmaheap::ctl {

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (GetReason(status)) {
    case ErrorReason::DAEMON_UNREACHABLE:
      return kExitUnreachable;
    case ErrorReason::INVALID_POLICY:
      return kExitOther;
    default:
      break;
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitUsage;
    case absl::StatusCode::kPermissionDenied:
      return kExitPermission;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
      return kExitUnavailable;
    case absl::StatusCode::kDeadlineExceeded:
      return kExitDeadline;
    case absl::StatusCode::kCancelled:
      // Only SIGINT cancels.
      return kExitInterrupted;
    default:
      return kExitOther;
  }
}

}  // namespace dmaheap::ctl

#include "client/internal/recovery.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "proto/error.h"

namespace dmaheap::client_internal {

Recovery RecoveryFor(const absl::Status& status, bool session_ended) {
  switch (GetReason(status)) {
    case ErrorReason::SESSION_UNKNOWN:
      return Recovery::kNewSession;
    case ErrorReason::SHUTTING_DOWN:
      return Recovery::kReconnect;
    case ErrorReason::FD_CHANNEL_FULL:
      return Recovery::kRepeat;
    case ErrorReason::ERROR_REASON_UNSPECIFIED:
      break;
    default:
      return Recovery::kNone;
  }
  // Without a reason it is gRPC that speaks, not the daemon.
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return Recovery::kReconnect;
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kOk:
      return Recovery::kNone;
    default:
      // A connection that breaks in the middle of a call may also end it as UNKNOWN, INTERNAL or
      // CANCELLED.
      return session_ended ? Recovery::kReconnect : Recovery::kNone;
  }
}

bool WorthRedialing(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable;
}

absl::Status Explain(const absl::Status& status, absl::string_view socket_path,
                     absl::Duration deadline, absl::string_view call) {
  if (status.ok() || GetReason(status) != ErrorReason::ERROR_REASON_UNSPECIFIED) return status;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return Error(ErrorReason::DAEMON_UNREACHABLE,
                   absl::StrCat("lost dmaheapd at ", socket_path, " (", status.message(),
                                "): it stopped or is starting again; try again shortly"))
          .With("socket_path", socket_path);
    case absl::StatusCode::kDeadlineExceeded: {
      const std::string text = absl::FormatDuration(deadline);
      return Error(ErrorReason::DEADLINE,
                   absl::StrCat("no answer within the deadline of ", text,
                                "; the request was given up and takes no memory. Ask again with a "
                                "longer deadline, or look at the daemon's log"))
          .With("deadline", text);
    }
    case absl::StatusCode::kCancelled:
      return Error(ErrorReason::REQUEST_CANCELLED, "the request was cancelled; it takes no memory");
    case absl::StatusCode::kUnimplemented:
      return absl::UnimplementedError(absl::StrCat("dmaheapd at ", socket_path, " does not know ",
                                                   call, ": it is older; update dmaheapd"));
    default:
      return status;
  }
}

absl::Status ExplainDraw(const absl::Status& status, const std::vector<std::string>& left_out,
                         absl::string_view socket_path) {
  google::rpc::BadRequest wrong;
  if (left_out.empty() || !GetDetail(status, wrong)) return status;
  for (const auto& violation : wrong.field_violations()) {
    if (std::find(left_out.begin(), left_out.end(), violation.field()) == left_out.end()) continue;
    return absl::UnimplementedError(
        absl::StrCat("dmaheapd at ", socket_path, " does not know reservations, and asks for ",
                     violation.field(), " instead: it is older; update dmaheapd"));
  }
  return status;
}

}  // namespace dmaheap::client_internal

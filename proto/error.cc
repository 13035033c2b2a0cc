#include "proto/error.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";

std::string TypeUrl(const google::protobuf::MessageLite& message) {
  return absl::StrCat(kTypePrefix, message.GetTypeName());
}

}  // namespace

absl::StatusCode CodeOf(ErrorReason reason) {
  switch (reason) {
    case ErrorReason::INVALID_SIZE:
    case ErrorReason::INVALID_COUNT:
    case ErrorReason::INVALID_NAME:
    case ErrorReason::INVALID_LABEL:
    case ErrorReason::INVALID_REQUEST_ID:
    case ErrorReason::INVALID_LEASE:
    case ErrorReason::INVALID_PAGE:
    case ErrorReason::INVALID_FORMAT:
    case ErrorReason::REQUEST_ID_REUSED:
    case ErrorReason::INVALID_POLICY:
    case ErrorReason::INVALID_LOG_LEVEL:
    case ErrorReason::INVALID_PRIORITY:
    case ErrorReason::INVALID_RETRY_POLICY:
    case ErrorReason::INVALID_RESERVATION:
      return absl::StatusCode::kInvalidArgument;
    case ErrorReason::HEAP_NOT_FOUND:
    case ErrorReason::BUFFER_NOT_FOUND:
    case ErrorReason::LEASE_EXPIRED:
    case ErrorReason::RESERVATION_NOT_FOUND:
    case ErrorReason::DIAGNOSIS_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case ErrorReason::SIZE_EXCEEDS_HEAP:
      return absl::StatusCode::kOutOfRange;
    case ErrorReason::SESSION_UNKNOWN:
      return absl::StatusCode::kUnauthenticated;
    case ErrorReason::ACCESS_DENIED:
      return absl::StatusCode::kPermissionDenied;
    case ErrorReason::QUOTA_EXCEEDED:
    case ErrorReason::FD_CHANNEL_FULL:
    case ErrorReason::HEAP_EXHAUSTED:
    case ErrorReason::SESSION_LIMIT:
      return absl::StatusCode::kResourceExhausted;
    case ErrorReason::OVERLOADED:
    case ErrorReason::CONTIGUOUS_MEMORY_PINNED:
    case ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED:
    case ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE:
    case ErrorReason::DAEMON_FD_LIMIT:
    case ErrorReason::SHUTTING_DOWN:
    case ErrorReason::DAEMON_UNREACHABLE:
      return absl::StatusCode::kUnavailable;
    case ErrorReason::WIRE_VERSION_UNSUPPORTED:
    case ErrorReason::HEAP_PINNED_PERMANENTLY:
    case ErrorReason::HEAP_ABSENT:
    case ErrorReason::KERNEL_LACKS_HEAPS:
      return absl::StatusCode::kFailedPrecondition;
    case ErrorReason::DEADLINE:
      return absl::StatusCode::kDeadlineExceeded;
    case ErrorReason::REQUEST_CANCELLED:
      return absl::StatusCode::kCancelled;
    case ErrorReason::TRUNCATED_RECEIPT:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kInternal;
  }
}

Error::Error(ErrorReason reason, absl::string_view text) : text_(text) {
  info_.set_domain(std::string(kErrorDomain));
  info_.set_reason(v1::ErrorReason_Name(reason));
}

Error& Error::Field(absl::string_view field, absl::string_view description) & {
  auto* violation = bad_request_.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
  return *this;
}

Error&& Error::RetryAfter(absl::Duration delay) && {
  retry_after_ = delay;
  return std::move(*this);
}

Error&& Error::Quota(absl::string_view subject, absl::string_view description) && {
  auto* violation = quota_failure_.add_violations();
  violation->set_subject(std::string(subject));
  violation->set_description(std::string(description));
  return std::move(*this);
}

absl::Status Error::ToStatus() && {
  ErrorReason reason = ErrorReason::INTERNAL_ERROR;
  v1::ErrorReason_Parse(info_.reason(), &reason);
  absl::Status status(CodeOf(reason), text_);
  SetDetail(status, info_);
  if (bad_request_.field_violations_size() > 0) SetDetail(status, bad_request_);
  if (quota_failure_.violations_size() > 0) SetDetail(status, quota_failure_);
  if (retry_after_ > absl::ZeroDuration()) {
    google::rpc::RetryInfo retry;
    const int64_t nanos = absl::ToInt64Nanoseconds(retry_after_);
    retry.mutable_retry_delay()->set_seconds(nanos / 1'000'000'000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(nanos % 1'000'000'000));
    SetDetail(status, retry);
  }
  return status;
}

void SetDetail(absl::Status& status, const google::protobuf::MessageLite& detail) {
  status.SetPayload(TypeUrl(detail), absl::Cord(detail.SerializeAsString()));
}

bool GetDetail(const absl::Status& status, google::protobuf::MessageLite& detail) {
  const auto payload = status.GetPayload(TypeUrl(detail));
  return payload.has_value() && detail.ParseFromString(std::string(*payload));
}

ErrorReason GetReason(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  ErrorReason reason = ErrorReason::ERROR_REASON_UNSPECIFIED;
  if (GetDetail(status, info) && info.domain() == kErrorDomain) {
    v1::ErrorReason_Parse(info.reason(), &reason);
  }
  return reason;
}

absl::optional<std::string> GetErrorValue(const absl::Status& status, absl::string_view key) {
  google::rpc::ErrorInfo info;
  if (!GetDetail(status, info)) return absl::nullopt;
  const auto it = info.metadata().find(std::string(key));
  if (it == info.metadata().end()) return absl::nullopt;
  return it->second;
}

absl::optional<absl::Duration> GetRetryAfter(const absl::Status& status) {
  google::rpc::RetryInfo retry;
  if (!GetDetail(status, retry)) return absl::nullopt;
  const absl::Duration delay =
      absl::Seconds(retry.retry_delay().seconds()) + absl::Nanoseconds(retry.retry_delay().nanos());
  return std::max(delay, absl::ZeroDuration());
}

}  // namespace dmaheap

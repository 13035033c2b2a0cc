// Errors of the API: a status with a reason of the closed set in errors.proto, and with every value
// that the text names.
//
//   return Error(ErrorReason::SIZE_EXCEEDS_HEAP, "size_bytes 99999 is larger than ...")
//       .With("heap", "reserved").With("size_bytes", 99999);
//
// The code follows from the reason, by the table in errors.proto. Inside a process errors travel as
// absl::Status with google.rpc messages as payloads; grpc_status.h carries them over gRPC.

#ifndef PROTO_ERROR_H_
#define PROTO_ERROR_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "dmaheap/v1/errors.pb.h"
#include "google/protobuf/message_lite.h"
#include "google/rpc/error_details.pb.h"

namespace dmaheap {

using v1::ErrorReason;

// The gRPC code that always comes with reason.
absl::StatusCode CodeOf(ErrorReason reason);

// Builds an error. The text says what failed, why, and what to do.
class Error {
 public:
  Error(ErrorReason reason, absl::string_view text);

  // A value that the text names, as metadata of the ErrorInfo.
  template <typename Value>
  Error& With(absl::string_view key, const Value& value) & {
    (*info_.mutable_metadata())[std::string(key)] = absl::StrCat(value);
    return *this;
  }
  template <typename Value>
  Error&& With(absl::string_view key, const Value& value) && {
    return std::move(With(key, value));
  }
  // A BadRequest violation: the field in the path notation of the request.
  Error& Field(absl::string_view field, absl::string_view description) &;
  Error&& Field(absl::string_view field, absl::string_view description) && {
    return std::move(Field(field, description));
  }
  // When a repeat makes sense (RetryInfo).
  Error&& RetryAfter(absl::Duration delay) &&;
  // A QuotaFailure violation.
  Error&& Quota(absl::string_view subject, absl::string_view description) &&;

  absl::Status ToStatus() &&;
  operator absl::Status() && { return std::move(*this).ToStatus(); }  // NOLINT
  template <typename T>
  operator absl::StatusOr<T>() && {  // NOLINT
    return std::move(*this).ToStatus();
  }

 private:
  std::string text_;
  google::rpc::ErrorInfo info_;
  google::rpc::BadRequest bad_request_;
  google::rpc::QuotaFailure quota_failure_;
  absl::Duration retry_after_ = absl::ZeroDuration();
};

// Puts a google.rpc detail into status, in place of one of its type.
void SetDetail(absl::Status& status, const google::protobuf::MessageLite& detail);

// Reads a detail of Message's type; false if there is none or it does not parse.
bool GetDetail(const absl::Status& status, google::protobuf::MessageLite& detail);

// The reason of an error; ERROR_REASON_UNSPECIFIED if it has none of ours.
ErrorReason GetReason(const absl::Status& status);

// A value of the ErrorInfo's metadata.
absl::optional<std::string> GetErrorValue(const absl::Status& status, absl::string_view key);

// The delay of the RetryInfo.
absl::optional<absl::Duration> GetRetryAfter(const absl::Status& status);

}  // namespace dmaheap

#endif  // PROTO_ERROR_H_

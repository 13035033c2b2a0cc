#include "daemon/core/request.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "daemon/core/proto_time.h"
#include "daemon/core/secret.h"
#include "daemon/limits.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

// What is wrong with a request, field by field.
class Violations {
 public:
  void Add(ErrorReason reason, absl::string_view field, std::string description) {
    if (list_.empty()) first_ = reason;
    list_.push_back({std::string(field), std::move(description)});
  }
  bool empty() const { return list_.empty(); }

  // The reason is that of the first; the text has them all.
  absl::Status ToStatus() const {
    Error error(first_, absl::StrJoin(list_, "; ", [](std::string* out, const auto& violation) {
                  absl::StrAppend(out, violation.first, ": ", violation.second);
                }));
    for (const auto& [field, description] : list_) {
      error.Field(field, description);
    }
    return std::move(error).ToStatus();
  }

 private:
  ErrorReason first_ = ErrorReason::INTERNAL_ERROR;
  std::vector<std::pair<std::string, std::string>> list_;
};

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isprint(c); });
}

// What a message may quote of a caller's text: short, and free of control characters.
std::string Quote(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kMaxClientTextBytes)),
                      text.size() > kMaxClientTextBytes ? "..." : "", "\"");
}

void CheckText(Violations& violations, ErrorReason reason, absl::string_view field,
               absl::string_view text, size_t limit) {
  if (text.size() > limit) {
    violations.Add(reason, field,
                   absl::StrCat("is ", text.size(), " bytes long; at most ", limit, " are taken"));
  } else if (!IsPrintable(text)) {
    violations.Add(reason, field, absl::StrCat(Quote(text), " is not printable ASCII"));
  }
}

}  // namespace

std::string AllocateRequest::Fingerprint() const {
  return absl::StrCat(heap, "\n", size_bytes, "\n", count, "\n", hold, "\n",
                      absl::ToInt64Nanoseconds(lease.value_or(absl::ZeroDuration())), "\n", label,
                      "\n", static_cast<int>(priority), "\n", retry_policy);
}

absl::StatusOr<std::string> ParseHeapName(absl::string_view field, absl::string_view name) {
  absl::string_view heap = name;
  std::string problem;
  if (!absl::ConsumePrefix(&heap, "heaps/") || heap.empty()) {
    problem = absl::StrCat(Quote(name), " is not the name of a heap: write heaps/NAME, as in ",
                           "\"heaps/system\"; ListHeaps tells which there are");
  } else if (heap.size() > kMaxClientTextBytes || !IsPrintable(heap)) {
    problem = absl::StrCat(Quote(name), " is no possible name: at most ", kMaxClientTextBytes,
                           " bytes of printable ASCII");
  } else {
    return std::string(heap);
  }
  return Error(ErrorReason::INVALID_NAME, absl::StrCat(field, ": ", problem)).Field(field, problem);
}

absl::StatusOr<BufferKey> ParseBufferName(absl::string_view field, absl::string_view name) {
  absl::string_view id = name;
  if (absl::ConsumePrefix(&id, "buffers/")) {
    if (const auto key = BufferKey::Parse(id); key.has_value()) return *key;
  }
  const std::string problem =
      absl::StrCat(Quote(name), " is not the name of a buffer: write buffers/NUMBER or ",
                   "buffers/memfd-NUMBER, as ListBuffers shows them");
  return Error(ErrorReason::INVALID_NAME, absl::StrCat(field, ": ", problem)).Field(field, problem);
}

absl::StatusOr<AllocateRequest> CheckAllocateRequest(const v1::AllocateBuffersRequest& request) {
  Violations violations;
  AllocateRequest checked;

  if (absl::StatusOr<std::string> heap = ParseHeapName("heap", request.heap()); heap.ok()) {
    checked.heap = *std::move(heap);
  } else {
    violations.Add(ErrorReason::INVALID_NAME, "heap",
                   std::string(absl::StripPrefix(heap.status().message(), "heap: ")));
  }

  if (request.size_bytes() < 1) {
    violations.Add(ErrorReason::INVALID_SIZE, "size_bytes",
                   absl::StrCat(request.size_bytes(), " is not a size: ask for 1 byte or more"));
  }
  checked.size_bytes = request.size_bytes();

  checked.count = request.has_count() ? request.count() : 1;
  if (checked.count < 1 || checked.count > kFdWindow) {
    violations.Add(ErrorReason::INVALID_COUNT, "count",
                   absl::StrCat(checked.count, " buffers in one request: 1 to ", kFdWindow,
                                " are taken; split larger ones"));
  }

  CheckText(violations, ErrorReason::INVALID_LABEL, "label", request.label(), kMaxLabelBytes);
  checked.label = request.label();

  CheckText(violations, ErrorReason::INVALID_REQUEST_ID, "request_id", request.request_id(),
            kMaxClientTextBytes);
  checked.repeatable = !request.request_id().empty();
  checked.request_id = checked.repeatable ? request.request_id() : NewSecret();

  if (!v1::Priority_IsValid(request.priority())) {
    violations.Add(
        ErrorReason::INVALID_PRIORITY, "priority",
        absl::StrCat(static_cast<int>(request.priority()), " is no priority: LOW, NORMAL or HIGH"));
  }
  checked.priority = request.priority();
  CheckText(violations, ErrorReason::INVALID_RETRY_POLICY, "retry_policy", request.retry_policy(),
            kMaxClientTextBytes);
  checked.retry_policy = request.retry_policy();

  checked.validate_only = request.validate_only();
  checked.hold = request.has_hold();
  if (checked.hold && request.hold().has_lease()) {
    const auto& lease = request.hold().lease();
    if (lease.seconds() < 0 || lease.nanos() < 0 || lease.nanos() > 999'999'999 ||
        (lease.seconds() == 0 && lease.nanos() == 0)) {
      violations.Add(ErrorReason::INVALID_LEASE, "hold.lease",
                     absl::StrCat(lease.seconds(), " s ", lease.nanos(),
                                  " ns is not a lease: ask for more than zero"));
    }
    checked.lease = FromProtoDuration(lease);
  }
  if (checked.hold && !request.session_id().empty()) {
    violations.Add(ErrorReason::INVALID_LEASE, "hold",
                   "a request has a session that gets the fds, or hold, not both");
  }

  if (!violations.empty()) return violations.ToStatus();
  return checked;
}

absl::Status CheckRequestId(absl::string_view request_id) {
  Violations violations;
  CheckText(violations, ErrorReason::INVALID_REQUEST_ID, "request_id", request_id,
            kMaxClientTextBytes);
  return violations.empty() ? absl::OkStatus() : violations.ToStatus();
}

absl::StatusOr<Page> CheckPage(int page_size, absl::string_view page_token) {
  Violations violations;
  Page page;
  page.size = page_size == 0 ? kDefaultPageSize : std::min(page_size, kMaxPageSize);
  if (page_size < 0) {
    violations.Add(ErrorReason::INVALID_PAGE, "page_size",
                   absl::StrCat(page_size, " is not a number of entries: 0 for the default of ",
                                kDefaultPageSize, ", or 1 to ", kMaxPageSize));
  }
  if (!page_token.empty() && !absl::SimpleAtoi(page_token, &page.after)) {
    violations.Add(ErrorReason::INVALID_PAGE, "page_token",
                   absl::StrCat(Quote(page_token), " is not a next_page_token of this list"));
  }
  if (!violations.empty()) return violations.ToStatus();
  return page;
}

}  // namespace dmaheap

#include "daemon/core/request.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "daemon/core/proto_time.h"
#include "daemon/core/secret.h"
#include "daemon/limits.h"
#include "proto/decimal.h"
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

// What another check found wrong, without the field that it begins with.
void AddProblem(Violations& violations, ErrorReason reason, absl::string_view field,
                const absl::Status& problem) {
  violations.Add(reason, field,
                 std::string(absl::StripPrefix(problem.message(), absl::StrCat(field, ": "))));
}

void CheckHeap(Violations& violations, absl::string_view name, AllocateRequest& checked) {
  if (absl::StatusOr<std::string> heap = ParseHeapName("heap", name); heap.ok()) {
    checked.heap = *std::move(heap);
  } else {
    AddProblem(violations, ErrorReason::INVALID_NAME, "heap", heap.status());
  }
}

void CheckSize(Violations& violations, int64_t size_bytes, AllocateRequest& checked) {
  if (size_bytes < 1) {
    violations.Add(ErrorReason::INVALID_SIZE, "size_bytes",
                   absl::StrCat(size_bytes, " is not a size: ask for 1 byte or more"));
  }
  checked.size_bytes = size_bytes;
}

void CheckCount(Violations& violations, int count, AllocateRequest& checked) {
  if (count < 1 || count > kFdWindow) {
    violations.Add(ErrorReason::INVALID_COUNT, "count",
                   absl::StrCat(count, " buffers in one request: 1 to ", kFdWindow,
                                " are taken; split larger ones"));
  }
  checked.count = count;
}

void CheckLease(Violations& violations, absl::string_view field,
                const google::protobuf::Duration& lease, AllocateRequest& checked) {
  if (lease.seconds() < 0 || lease.nanos() < 0 || lease.nanos() > 999'999'999 ||
      (lease.seconds() == 0 && lease.nanos() == 0)) {
    violations.Add(ErrorReason::INVALID_LEASE, field,
                   absl::StrCat(lease.seconds(), " s ", lease.nanos(),
                                " ns is not a lease: ask for more than zero"));
  }
  checked.lease = FromProtoDuration(lease);
}

// What both kinds of request have.
template <typename Request>
void CheckCommon(Violations& violations, const Request& request, AllocateRequest& checked) {
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
}

}  // namespace

std::string AllocateRequest::Fingerprint() const {
  return absl::StrCat(heap, "\n", size_bytes, "\n", count, "\n", static_cast<int>(purpose), "\n",
                      absl::ToInt64Nanoseconds(lease.value_or(absl::ZeroDuration())), "\n", label,
                      "\n", static_cast<int>(priority), "\n", retry_policy, "\n", reservation, "\n",
                      refill_below);
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

namespace {

// Of a resource whose name is a number: "reservations/42" -> 42.
struct NumberedName {
  absl::string_view collection;
  // "a reservation", and the call that shows them.
  absl::string_view what;
  absl::string_view list_call;
};

absl::StatusOr<uint64_t> ParseNumberedName(const NumberedName& of, absl::string_view field,
                                           absl::string_view name) {
  absl::string_view id = name;
  uint64_t number = 0;
  if (absl::ConsumePrefix(&id, of.collection) && absl::ConsumePrefix(&id, "/") &&
      ParseDecimal(id, number) && number > 0) {
    return number;
  }
  const std::string problem =
      absl::StrCat(Quote(name), " is not the name of ", of.what, ": write ", of.collection,
                   "/NUMBER, as ", of.list_call, " shows them");
  return Error(ErrorReason::INVALID_NAME, absl::StrCat(field, ": ", problem)).Field(field, problem);
}

}  // namespace

absl::StatusOr<uint64_t> ParseReservationName(absl::string_view field, absl::string_view name) {
  return ParseNumberedName({"reservations", "a reservation", "ListReservations"}, field, name);
}

absl::StatusOr<uint64_t> ParseDiagnosisName(absl::string_view field, absl::string_view name) {
  return ParseNumberedName({"diagnoses", "a diagnosis", "ListDiagnoses"}, field, name);
}

absl::StatusOr<AllocateRequest> CheckAllocateRequest(const v1::AllocateBuffersRequest& request) {
  Violations violations;
  AllocateRequest checked;
  if (!request.reservation().empty()) {
    const auto reservation = ParseReservationName("reservation", request.reservation());
    if (reservation.ok()) {
      checked.reservation = *reservation;
    } else {
      AddProblem(violations, ErrorReason::INVALID_NAME, "reservation", reservation.status());
    }
  }
  // What a reservation says itself may be left out.
  const bool draws = !request.reservation().empty();
  if (!draws || !request.heap().empty()) CheckHeap(violations, request.heap(), checked);
  if (!draws || request.size_bytes() != 0) CheckSize(violations, request.size_bytes(), checked);
  CheckCount(violations, request.has_count() ? request.count() : 1, checked);
  CheckCommon(violations, request, checked);

  if (request.has_hold()) {
    checked.purpose = AllocateRequest::Purpose::kHold;
    if (request.hold().has_lease()) {
      CheckLease(violations, "hold.lease", request.hold().lease(), checked);
    }
    if (!request.session_id().empty()) {
      violations.Add(ErrorReason::INVALID_LEASE, "hold",
                     "a request has a session that gets the fds, or hold, not both");
    }
    if (draws) {
      violations.Add(ErrorReason::INVALID_RESERVATION, "reservation",
                     "what is drawn goes to a session: leave hold out");
    }
  }

  if (!violations.empty()) return violations.ToStatus();
  return checked;
}

absl::StatusOr<AllocateRequest> CheckReserveRequest(const v1::ReserveBuffersRequest& request) {
  Violations violations;
  AllocateRequest checked;
  checked.purpose = AllocateRequest::Purpose::kReserve;
  CheckHeap(violations, request.heap(), checked);
  CheckSize(violations, request.size_bytes(), checked);
  CheckCount(violations, request.count(), checked);
  CheckCommon(violations, request, checked);
  if (request.has_lease()) CheckLease(violations, "lease", request.lease(), checked);
  checked.refill_below = request.has_refill_below() ? request.refill_below() : request.count();
  if (request.has_refill_below() &&
      (request.refill_below() < 1 || request.refill_below() > request.count())) {
    violations.Add(ErrorReason::INVALID_RESERVATION, "refill_below",
                   absl::StrCat(request.refill_below(), " is not from 1 to count, which is ",
                                request.count()));
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
  if (!page_token.empty() && !ParseDecimal(page_token, page.after)) {
    violations.Add(ErrorReason::INVALID_PAGE, "page_token",
                   absl::StrCat(Quote(page_token), " is not a next_page_token of this list"));
  }
  if (!violations.empty()) return violations.ToStatus();
  return page;
}

}  // namespace dmaheap

#include "daemon/core/admission.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// Of the queue: 0 to kPriorities - 1.
int LevelOf(v1::Priority priority) { return static_cast<int>(priority) - 1; }

absl::Status NotAsBooked(const ReservationRecord& record, absl::string_view field,
                         absl::string_view asked, absl::string_view booked) {
  const std::string problem =
      absl::StrCat(asked, " is not that of reservations/", record.id, ", which is ", booked,
                   "; leave it out, or draw from another");
  return Error(ErrorReason::INVALID_RESERVATION, absl::StrCat(field, ": ", problem))
      .Field(field, problem);
}

bool Has(const Rights& rights, MemoryRight right) {
  switch (right) {
    case MemoryRight::kAllocate:
      return rights.allocate;
    case MemoryRight::kHold:
      return rights.hold;
    case MemoryRight::kReserve:
      return rights.reserve;
  }
  return false;
}

const char* NameOf(MemoryRight right) {
  switch (right) {
    case MemoryRight::kAllocate:
      return "ALLOCATE";
    case MemoryRight::kHold:
      return "HOLD";
    case MemoryRight::kReserve:
      return "RESERVE";
  }
  return "";
}

absl::Status CheckSize(const HeapDescription& description, Allocation& allocation) {
  const AllocateRequest& request = allocation.request;
  const int64_t page = description.page_size_bytes;
  int64_t total = 0;
  if (__builtin_add_overflow(request.size_bytes, page - 1, &allocation.rounded_bytes) ||
      __builtin_mul_overflow(allocation.rounded_bytes / page * page, request.count, &total)) {
    const std::string problem = absl::StrCat(request.count, " x ", request.size_bytes,
                                             " bytes is more than a 64-bit number holds");
    return Error(ErrorReason::INVALID_SIZE, absl::StrCat("size_bytes: ", problem))
        .Field("size_bytes", problem);
  }
  allocation.rounded_bytes = allocation.rounded_bytes / page * page;
  if (description.size_bytes.has_value() && total > *description.size_bytes) {
    return Error(ErrorReason::SIZE_EXCEEDS_HEAP,
                 absl::StrCat(
                     "size_bytes: ", request.count, " x ", allocation.rounded_bytes,
                     " bytes is more than heap ", description.name, " can ever hold: it has ",
                     *description.size_bytes, " bytes. Ask for less, or for a larger area (",
                     "for a CMA heap: the cma= boot parameter or the reserved-memory node)."))
        .With("heap", description.name)
        .With("size_bytes", request.size_bytes)
        .With("count", request.count)
        .With("heap_size_bytes", *description.size_bytes);
  }
  return absl::OkStatus();
}

// The retry policy and the priority: the request chooses below its user's ceiling.
absl::Status CheckChoice(const EffectivePolicy& policy, const HeapRegistry& heaps,
                         Allocation& allocation) {
  const AllocateRequest& request = allocation.request;
  const std::vector<std::string> names = heaps.NamesOf(*allocation.heap);
  const Ceiling ceiling = policy.CeilingOf(request.principal, names);
  if (!request.retry_policy.empty() && policy.FindRetryPolicy(request.retry_policy) == nullptr) {
    const std::string problem =
        absl::StrCat("there is no retry policy ", request.retry_policy, "; there are ",
                     absl::StrJoin(policy.retry_policy_names(), ", "));
    return Error(ErrorReason::INVALID_RETRY_POLICY, absl::StrCat("retry_policy: ", problem))
        .Field("retry_policy", problem);
  }
  allocation.retry_policy = request.retry_policy.empty()
                                ? policy.DefaultRetryPolicyOf(request.heap, names).name
                                : request.retry_policy;
  // What the operator gave the heap itself, nobody chose.
  const bool chosen = allocation.retry_policy !=
                      policy.DefaultRetryPolicyOf(allocation.heap->description().name, names).name;
  if (chosen && !ceiling.Allows(allocation.retry_policy)) {
    return Error(ErrorReason::ACCESS_DENIED,
                 absl::StrCat("uid ", request.principal.uid, " may not have heap ", request.heap,
                              " by the retry policy ", allocation.retry_policy,
                              ": no access rule that is for it gives that. Choose another "
                              "retry_policy; the operator's policy file decides."))
        .With("uid", request.principal.uid)
        .With("heap", request.heap)
        .With("retry_policy", allocation.retry_policy);
  }
  const int most = static_cast<int>(ceiling.max_priority);
  if (request.priority != v1::PRIORITY_UNSPECIFIED && LevelOf(request.priority) > most) {
    return Error(ErrorReason::ACCESS_DENIED,
                 absl::StrCat("uid ", request.principal.uid, " may not ask heap ", request.heap,
                              " with priority ", v1::Priority_Name(request.priority), ", at most ",
                              v1::Priority_Name(static_cast<v1::Priority>(most + 1)),
                              "; the operator's policy file decides."))
        .With("uid", request.principal.uid)
        .With("heap", request.heap)
        .With("priority", v1::Priority_Name(request.priority));
  }
  allocation.priority = request.priority != v1::PRIORITY_UNSPECIFIED
                            ? LevelOf(request.priority)
                            : std::min(LevelOf(v1::NORMAL), most);
  return absl::OkStatus();
}

}  // namespace

MemoryRight RightFor(const AllocateRequest& request) {
  switch (request.purpose) {
    case AllocateRequest::Purpose::kHold:
      return MemoryRight::kHold;
    case AllocateRequest::Purpose::kReserve:
    case AllocateRequest::Purpose::kRefill:
      return MemoryRight::kReserve;
    case AllocateRequest::Purpose::kDeliver:
      break;
  }
  return request.reservation != 0 ? MemoryRight::kReserve : MemoryRight::kAllocate;
}

absl::Status CheckAccess(const EffectivePolicy& policy, const HeapRegistry& heaps,
                         const Principal& principal, const Heap& heap, MemoryRight right) {
  if (Has(policy.RightsOf(principal, heaps.NamesOf(heap)), right)) return absl::OkStatus();
  const std::vector<int> rules = policy.RulesOf(principal);
  return Error(ErrorReason::ACCESS_DENIED,
               absl::StrCat("uid ", principal.uid, " may not ", NameOf(right), " on heap ",
                            heap.description().name, ": ",
                            rules.empty() ? "no access rule of the policy is for this uid"
                                          : absl::StrCat("the access rules that are for this uid (",
                                                         absl::StrJoin(rules, ", "),
                                                         ", counted from 0) do not give it"),
                            ". The operator's policy file decides."))
      .With("uid", principal.uid)
      .With("right", NameOf(right))
      .With("heap", heap.description().name)
      .With("rules", absl::StrJoin(rules, ","));
}

absl::Status CheckAdmission(const EffectivePolicy& policy, const HeapRegistry& heaps,
                            Allocation& allocation) {
  const AllocateRequest& request = allocation.request;
  absl::StatusOr<Heap*> heap = heaps.Find(request.heap);
  if (!heap.ok()) return heap.status();
  allocation.heap = *heap;
  if (absl::Status status =
          CheckAccess(policy, heaps, request.principal, **heap, RightFor(request));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckChoice(policy, heaps, allocation); !status.ok()) return status;
  return CheckSize((*heap)->description(), allocation);
}

absl::Status FillDraw(const ReservationRecord& record, const HeapRegistry& heaps,
                      AllocateRequest& request) {
  absl::StatusOr<Heap*> heap = heaps.Find(record.heap);
  if (!heap.ok()) return heap.status();
  const int64_t page = (*heap)->description().page_size_bytes;
  if (!request.heap.empty()) {
    absl::StatusOr<Heap*> asked = heaps.Find(request.heap);
    if (!asked.ok()) return asked.status();
    if (*asked != *heap) return NotAsBooked(record, "heap", request.heap, record.heap);
  }
  // The last page may be asked for in part.
  if (request.size_bytes != 0 &&
      (request.size_bytes > record.size_bytes || request.size_bytes <= record.size_bytes - page)) {
    return NotAsBooked(record, "size_bytes", absl::StrCat(request.size_bytes),
                       absl::StrCat(record.size_bytes));
  }
  if (!request.label.empty() && request.label != record.label) {
    return NotAsBooked(record, "label", request.label,
                       record.label.empty() ? "empty" : record.label);
  }
  request.heap = record.heap;
  request.size_bytes = record.size_bytes;
  request.label = record.label;
  if (request.retry_policy.empty()) request.retry_policy = record.retry_policy;
  if (request.priority == v1::PRIORITY_UNSPECIFIED) {
    request.priority = static_cast<v1::Priority>(record.priority + 1);
  }
  return absl::OkStatus();
}

}  // namespace dmaheap

#include "daemon/telemetry/allocation_outcome.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr size_t kInvalidRequest = 1;
constexpr size_t kFirstReason = 2;

constexpr ErrorReason kReasons[] = {
    ErrorReason::SIZE_EXCEEDS_HEAP,
    ErrorReason::SESSION_UNKNOWN,
    ErrorReason::ACCESS_DENIED,
    ErrorReason::QUOTA_EXCEEDED,
    ErrorReason::FD_CHANNEL_FULL,
    ErrorReason::HEAP_EXHAUSTED,
    ErrorReason::OVERLOADED,
    ErrorReason::CONTIGUOUS_MEMORY_PINNED,
    ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED,
    ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE,
    ErrorReason::DAEMON_FD_LIMIT,
    ErrorReason::SHUTTING_DOWN,
    ErrorReason::HEAP_PINNED_PERMANENTLY,
    ErrorReason::HEAP_ABSENT,
    ErrorReason::DEADLINE,
    ErrorReason::REQUEST_CANCELLED,
    ErrorReason::INTERNAL_ERROR,
};
constexpr size_t kOther = kFirstReason + std::size(kReasons);
static_assert(kOther + 1 == kAllocationOutcomes);

bool IsInvalid(ErrorReason reason) {
  return absl::StartsWith(v1::ErrorReason_Name(reason), "INVALID_");
}

}  // namespace

size_t AllocationOutcomeOf(const absl::Status& status) {
  if (status.ok()) return kAllocationOk;
  const ErrorReason reason = GetReason(status);
  if (IsInvalid(reason)) return kInvalidRequest;
  const auto* found = std::find(std::begin(kReasons), std::end(kReasons), reason);
  return found == std::end(kReasons) ? kOther
                                     : kFirstReason + static_cast<size_t>(found - kReasons);
}

std::string AllocationOutcomeName(size_t outcome) {
  if (outcome == kAllocationOk) return "ok";
  if (outcome == kInvalidRequest) return "invalid_request";
  if (outcome >= kOther) return "other";
  return absl::AsciiStrToLower(v1::ErrorReason_Name(kReasons[outcome - kFirstReason]));
}

}  // namespace dmaheap

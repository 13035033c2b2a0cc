#include "daemon/telemetry/event_log.h"

#include <algorithm>
#include <utility>

#include "daemon/log.h"
#include "proto/error.h"
#include "spdlog/spdlog.h"

namespace dmaheap {

bool EventLog::MayWrite() {
  const absl::Time now = executor_.Now();
  if (refilled_ != absl::InfinitePast()) {
    budget_ = std::min(kBurst, budget_ + absl::ToDoubleSeconds(now - refilled_) * kLinesPerSecond);
  }
  refilled_ = now;
  if (budget_ < 1) return false;
  budget_ -= 1;
  return true;
}

void EventLog::OnAllocation(const AllocationEvent& event) {
  if (event.outcome.ok()) {
    spdlog::debug(
        "event=allocated request_id={} heap={} uid={} size_bytes={} count={} attempts={} "
        "duration_us={}",
        LogValue(event.request_id), LogValue(event.heap), event.uid, event.size_bytes, event.count,
        event.attempts, absl::ToInt64Microseconds(event.duration));
    return;
  }
  if (!MayWrite()) {
    ++suppressed_;
    return;
  }
  // What a client did wrong or gave up is its own affair; the rest is the operator's too.
  const bool notable = absl::IsUnavailable(event.outcome) || absl::IsInternal(event.outcome) ||
                       absl::IsFailedPrecondition(event.outcome) ||
                       absl::IsResourceExhausted(event.outcome) ||
                       absl::IsDeadlineExceeded(event.outcome);
  spdlog::log(notable ? spdlog::level::warn : spdlog::level::info,
              "event=allocation_failed request_id={} heap={} uid={} size_bytes={} count={} "
              "attempts={} duration_us={} reason={} suppressed={} {}",
              LogValue(event.request_id), LogValue(event.heap), event.uid, event.size_bytes,
              event.count, event.attempts, absl::ToInt64Microseconds(event.duration),
              v1::ErrorReason_Name(GetReason(event.outcome)), std::exchange(suppressed_, 0),
              LogStatus(event.outcome));
}

}  // namespace dmaheap

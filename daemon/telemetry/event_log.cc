#include "daemon/telemetry/event_log.h"

#include "absl/strings/string_view.h"
#include "daemon/log.h"
#include "proto/error.h"
#include "spdlog/spdlog.h"

namespace dmaheap {

void EventLog::OnAllocation(const AllocationEvent& event) {
  if (event.outcome.ok()) {
    // Most of the time nobody reads it: its words are not even put together.
    if (!spdlog::should_log(spdlog::level::debug)) return;
    spdlog::debug(
        "event=allocated request_id={} heap={} uid={} size_bytes={} count={} attempts={} "
        "duration_us={}",
        LogValue(event.request_id), LogValue(event.heap), event.uid, event.size_bytes, event.count,
        event.attempts, absl::ToInt64Microseconds(event.duration));
    return;
  }
  if (!budget_.Take()) return;
  // What a client did wrong or gave up is its own affair; the rest is the operator's too.
  const bool notable = absl::IsUnavailable(event.outcome) || absl::IsInternal(event.outcome) ||
                       absl::IsFailedPrecondition(event.outcome) ||
                       absl::IsResourceExhausted(event.outcome) ||
                       absl::IsDeadlineExceeded(event.outcome);
  // What was found out, and under which name dmaheapctl explain tells the rest.
  const auto value = [&](absl::string_view key) {
    return LogValue(GetErrorValue(event.outcome, key).value_or("-"));
  };
  spdlog::log(notable ? spdlog::level::warn : spdlog::level::info,
              "event=allocation_failed request_id={} heap={} uid={} size_bytes={} count={} "
              "attempts={} duration_us={} reason={} diagnosis={} verdict={} suppressed={} {}",
              LogValue(event.request_id), LogValue(event.heap), event.uid, event.size_bytes,
              event.count, event.attempts, absl::ToInt64Microseconds(event.duration),
              v1::ErrorReason_Name(GetReason(event.outcome)), value("diagnosis"), value("verdict"),
              budget_.TakeSuppressed(), LogStatus(event.outcome));
}

}  // namespace dmaheap

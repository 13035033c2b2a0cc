#include "daemon/core/retry_decision.h"

#include <algorithm>
#include <cerrno>
#include <cmath>

namespace dmaheap {
namespace {

// Another heap has the same limits of open files.
bool IsOfTheHeap(int error_number) {
  return error_number != EMFILE && error_number != ENFILE && error_number != ENOSPC;
}

RetryDecision GiveUpOrFallBack(const RetryPolicy& policy, const AttemptHistory& history,
                               GiveUp::Reason reason) {
  const auto next = static_cast<size_t>(history.fallbacks);
  // Where no time is left, there is none to try another one either.
  if (history.elapsed < policy.max_elapsed && next < policy.fallback_heaps.size() &&
      IsOfTheHeap(history.error_number)) {
    return FallBack{policy.fallback_heaps[next]};
  }
  return GiveUp{reason};
}

absl::Duration Backoff(const RetryPolicy& policy, int attempts) {
  // The power may overflow to infinity; the bound then decides.
  const double factor = std::pow(policy.multiplier, attempts - 1);
  return std::min(policy.initial_backoff * factor, policy.max_backoff);
}

}  // namespace

bool IsTransient(int error_number) {
  switch (error_number) {
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case EINTR:
      return true;
    default:
      return false;
  }
}

RetryDecision DecideRetry(const RetryPolicy& policy, const AttemptHistory& history,
                          const AreaSnapshot& area, double random) {
  const auto stop = [&](GiveUp::Reason reason) {
    return GiveUpOrFallBack(policy, history, reason);
  };
  if (!IsTransient(history.error_number)) return stop(GiveUp::Reason::kNotTransient);
  if (policy.max_attempts.has_value() && history.attempts >= *policy.max_attempts) {
    return stop(GiveUp::Reason::kAttemptsUsed);
  }
  const absl::Duration left = policy.max_elapsed - history.elapsed;
  if (left <= absl::ZeroDuration()) return stop(GiveUp::Reason::kTimeUsed);
  if (area.stuck_for >= policy.give_up_when_stuck_for) return stop(GiveUp::Reason::kStuck);

  // Before the answer is due there is time for some more attempts, each after half of what is left.
  // The very end is the deadline's: it comes with an explanation of its own.
  const auto in_time = [&](absl::Duration delay) {
    if (delay >= history.remaining) {
      delay = std::max(history.remaining / 2, policy.initial_backoff);
    }
    return std::min(delay, left);
  };
  // Before the barrier: it is ready once a second at most, and what it is for no barrier mends.
  if (policy.sync.has_value() && area.sync_ready &&
      history.attempts >= policy.sync->after_attempts) {
    return SyncFirst{in_time(policy.sync->box)};
  }
  if (policy.barrier.has_value() && area.barrier_ready &&
      history.attempts >= policy.barrier->after_attempts) {
    return BehindBarrier{};
  }

  absl::Duration delay = Backoff(policy, history.attempts);
  if (policy.learn && area.learned_delay.has_value()) {
    delay = std::clamp(*area.learned_delay, policy.initial_backoff, policy.max_backoff);
  }
  // Whose attempts are counted gets the waits that it was written for.
  if (!policy.max_attempts.has_value()) {
    if (area.pages_change) {
      delay = policy.initial_backoff;
    } else if (area.watch_begun) {
      delay = std::max(delay, std::min(history.failing * kBegunStretch, policy.max_backoff));
    }
  }
  delay *= 1.0 + policy.jitter * (2.0 * random - 1.0);
  if (area.page_watched) {
    // Not beyond the moment when the page has been there for too long.
    delay = std::max(delay, std::min({area.stuck_for * kWatchedStretch, kLongestWatchedWait,
                                      policy.give_up_when_stuck_for - area.stuck_for}));
  }
  const bool ask = policy.ask_clients.has_value() && area.lacks_room &&
                   history.attempts >= policy.ask_clients->after_attempts;
  return RetryAfter{in_time(std::max(delay, area.least_delay)), ask};
}

}  // namespace dmaheap

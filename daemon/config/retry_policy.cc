#include "daemon/config/retry_policy.h"

namespace dmaheap {
namespace {

// 1, 2, 10 and 100 ms after 1, 8, 25 and 49 failures. In a storm of forks an attempt succeeds half
// the time after 1 ms and one time in eight after 100 ms (measured on Linux 6.12), so the waits
// stay short for as long as a storm is likely; what is still there after a second is no storm.
constexpr double kSlowGrowth = 1.1;

}  // namespace

const std::vector<RetryPolicy>& ShippedRetryPolicies() {
  static const auto* const kShipped = [] {
    auto* policies = new std::vector<RetryPolicy>(4);
    // For who has a plan of its own.
    (*policies)[0] = {.name = kFailfastPolicy, .max_attempts = 1};
    // Outlasts every transient pin, and answers while a person still waits.
    (*policies)[1] = {.name = kDefaultPolicy,
                      .max_elapsed = absl::Seconds(2),
                      .multiplier = kSlowGrowth,
                      .give_up_when_stuck_for = absl::Seconds(1)};
    // The caller's deadline or its cancel ends it, and what can never succeed.
    (*policies)[2] = {.name = kNofailPolicy, .multiplier = kSlowGrowth};
    // Android common's cma_alloc (mm/cma.c of its 5.15 and later), replayed for comparison.
    (*policies)[3] = {.name = kKernelPolicy,
                      .max_attempts = 5,
                      .initial_backoff = absl::Milliseconds(100),
                      .max_backoff = absl::Milliseconds(100),
                      .multiplier = 1.0,
                      .jitter = 0.0};
    return policies;
  }();
  return *kShipped;
}

}  // namespace dmaheap

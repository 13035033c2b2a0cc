// Retry policies against a trace of pins, on the simulated area, in virtual time: each policy gets
// the same requests at the same times. The decisions are the daemon's own (core/retry_decision.h,
// core/pin_lifetimes.h).

#ifndef TESTS_POLICY_LAB_CONTEST_H_
#define TESTS_POLICY_LAB_CONTEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/config/retry_policy.h"
#include "tests/policy_lab/pin_trace.h"

namespace dmaheap::policy_lab {

struct Demand {
  // Of each request; 0: the whole area.
  int64_t pages = 0;
  // Spread evenly over the trace.
  int requests = 300;
  // Of each request's caller.
  absl::Duration deadline = absl::Seconds(30);
  uint64_t seed = 1;
};

struct Score {
  std::string policy;
  int requests = 0;
  int served = 0;
  // From the request to its end: of those that were served, ascending; and of all.
  std::vector<absl::Duration> waits;
  absl::Duration mean_wait;
  double attempts_mean = 0;

  double success_ratio() const {
    return requests == 0 ? 0 : static_cast<double>(served) / requests;
  }
  // By nearest rank; zero if nobody was served.
  absl::Duration Percentile(double share) const;
};

// kInvalidArgument: more pages than the area has.
absl::StatusOr<Score> Play(const RetryPolicy& policy, const PinTrace& trace, const Demand& demand);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_CONTEST_H_

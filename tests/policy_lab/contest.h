// Retry policies against a trace of pins, on the simulated area, in virtual time: each policy gets
// the same requests at the same times, each by itself. The decisions are the daemon's own
// (core/retry_decision.h, core/pin_lifetimes.h, core/pinned_page.h, keeper/freeze_budget.h), and
// follow each other as in core/engine.h.
//
// An attempt takes as long as one that was recorded with the trace. A page is in its way that is
// pinned at its end, where the kernel looks (test_pages_isolated), or that stays and was pinned as
// the attempt came by. Played against the kernel's own attempts of a recording, this tells 50 of 55
// refusals and 13 of 16 successes under forks, and 35 of 36 and 21 of 21 under exits.

#ifndef TESTS_POLICY_LAB_CONTEST_H_
#define TESTS_POLICY_LAB_CONTEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/config/retry_policy.h"
#include "tests/policy_lab/pin_feed.h"
#include "tests/policy_lab/pin_trace.h"

namespace dmaheap::policy_lab {

struct Demand {
  // Of each request; 0: the whole area.
  int64_t pages = 0;
  int requests = 300;
  // From one to the next, at least: a trace that is shorter than all of them is played again. In
  // one that is longer they are spread evenly.
  absl::Duration interval = absl::Milliseconds(200);
  // Of each request's caller.
  absl::Duration deadline = absl::Seconds(30);
  // Whether the daemon sees which page is in the way, and when it is let go: where the kernel has
  // tracefs and CONFIG_DEBUG_PAGE_REF.
  bool page_watch = true;
  // What the barrier of a policy does. Its cgroup is taken for one that the daemon may freeze, and
  // its budget is shared by all requests.
  FrozenShare frozen;
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
  // Attempts that came at once as a page was let go, for each request.
  double woken_mean = 0;
  // How often a cgroup was frozen, and for how long, for each request.
  double barriers_mean = 0;
  absl::Duration frozen_mean;
  // Of the attempts behind a barrier, those that succeeded; 0 if there was none.
  double cured_ratio = 0;

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

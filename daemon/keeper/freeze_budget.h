// How long one cgroup was frozen lately, and when it may be frozen again: pure arithmetic on times.
//
// The rule is about any window of a second, not about seconds of a clock: within each, wherever it
// begins, the frozen time is at most the budget.

#ifndef DAEMON_KEEPER_FREEZE_BUDGET_H_
#define DAEMON_KEEPER_FREEZE_BUDGET_H_

#include <deque>

#include "absl/time/time.h"
#include "daemon/limits.h"

namespace dmaheap {

class FreezeBudget {
 public:
  explicit FreezeBudget(absl::Duration budget = kBarrierBudget,
                        absl::Duration window = kBarrierWindow)
      : budget_(budget), window_(window) {}

  // It was frozen from begin to end. In the order of time.
  void Add(absl::Time begin, absl::Time end);

  // How long until a box of that length may begin: zero for at once, InfiniteDuration for one that
  // is longer than the budget.
  absl::Duration Wait(absl::Time now, absl::Duration box) const;

 private:
  struct Interval {
    absl::Time begin;
    absl::Time end;
  };

  const absl::Duration budget_;
  const absl::Duration window_;
  // Those that a window which reaches to the last of them can see.
  std::deque<Interval> frozen_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_FREEZE_BUDGET_H_

// A cgroup that is frozen for an attempt, as the daemon's keeper would do it: its box and its
// budget are the keeper's (keeper/freeze_budget.h), what the kernel does is modelled.
//
// How often that helps depends on how long an attempt takes, which the trace says. The storm
// benchmark measured cures of 0.06, 0.19, 0.24 and 0.84 with boxes of 5, 10, 20 and 50 ms on a
// quiet machine; over traces/recorded_fork_storm, of a busy one, they are 0.25, 0.27, 0.29 and
// 0.42: half of its attempts outlast 23 ms, and short boxes help no more than chance. That a
// retry which follows at once meets the same storm, and fails more often than another, is not
// modelled.

#ifndef TESTS_POLICY_LAB_LAB_BARRIER_H_
#define TESTS_POLICY_LAB_LAB_BARRIER_H_

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/keeper/freeze_budget.h"

namespace dmaheap::policy_lab {

// From the order to stand still until all of the cgroup do: 2 to 3 ms for the processes of a storm
// (measured on Linux 6.12), drawn evenly.
inline constexpr absl::Duration kQuickestFreezing = absl::Milliseconds(2);
inline constexpr absl::Duration kSlowestFreezing = absl::Milliseconds(3);

// Of one cgroup. Times are those of the trace.
class LabBarrier {
 public:
  struct Stand {
    absl::Duration begin;
    // When all stand still; absent: not within the box.
    absl::optional<absl::Duration> frozen;
    // When the keeper thaws by its own timer.
    absl::Duration end;
  };

  // Absent: refused, as that would be over the budget. random is uniform in [0, 1).
  absl::optional<Stand> Raise(absl::Duration now, absl::Duration box, double random) const;
  // It went on then. A contest plays its requests one by one, also those that would overlap; what
  // an earlier one froze later counts as if it had been before.
  void Thawed(const Stand& stand, absl::Duration at);

 private:
  FreezeBudget budget_;
  absl::Duration last_end_;
};

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_LAB_BARRIER_H_

#include "daemon/keeper/freeze_budget.h"

#include <algorithm>

namespace dmaheap {

void FreezeBudget::Add(absl::Time begin, absl::Time end) {
  frozen_.push_back({begin, end});
  while (frozen_.front().end <= end - window_) frozen_.pop_front();
}

absl::Duration FreezeBudget::Wait(absl::Time now, absl::Duration box) const {
  // The fullest window is that which ends with the box: while it slides on, it gains what it gains
  // of the box and loses at most as much of the past. So what is frozen behind its begin, which is
  // box + wait - window from now, may be no more than this:
  absl::Duration room = budget_ - box;
  if (room < absl::ZeroDuration()) return absl::InfiniteDuration();
  for (auto interval = frozen_.rbegin(); interval != frozen_.rend(); ++interval) {
    const absl::Duration length = interval->end - interval->begin;
    if (length <= room) {
      room -= length;
      continue;
    }
    // The window must begin where only so much of this one is left in it.
    return std::max(interval->end - room + window_ - box - now, absl::ZeroDuration());
  }
  return absl::ZeroDuration();
}

}  // namespace dmaheap

#include "tests/policy_lab/lab_barrier.h"

#include <algorithm>

#include "daemon/keeper/thaw_margin.h"

namespace dmaheap::policy_lab {
namespace {

absl::Time At(absl::Duration time) { return absl::UnixEpoch() + time; }

}  // namespace

absl::optional<LabBarrier::Stand> LabBarrier::Raise(absl::Duration now, absl::Duration box,
                                                    double random) const {
  if (budget_.Wait(At(std::max(now, last_end_)), box) > absl::ZeroDuration()) {
    return absl::nullopt;
  }
  Stand stand;
  stand.begin = now;
  stand.end = now + box - ThawMargin().For(box);
  const absl::Duration frozen =
      now + kQuickestFreezing + (kSlowestFreezing - kQuickestFreezing) * random;
  if (frozen < stand.end) stand.frozen = frozen;
  return stand;
}

void LabBarrier::Thawed(const Stand& stand, absl::Duration at) {
  const absl::Duration begin = std::max(stand.begin, last_end_);
  last_end_ = begin + (at - stand.begin);
  budget_.Add(At(begin), At(last_end_));
}

}  // namespace dmaheap::policy_lab

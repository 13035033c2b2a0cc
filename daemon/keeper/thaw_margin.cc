#include "daemon/keeper/thaw_margin.h"

#include <algorithm>

#include "daemon/limits.h"

namespace dmaheap {

void ThawMargin::Add(absl::Duration late) {
  late_[next_] = std::max(late, absl::ZeroDuration());
  next_ = (next_ + 1) % kRemembered;
}

absl::Duration ThawMargin::For(absl::Duration box) const {
  const absl::Duration seen = *std::max_element(late_.begin(), late_.end());
  const absl::Duration wanted = seen > absl::ZeroDuration() ? seen + kAfterTheWord : seen;
  return std::clamp(wanted, std::min(kThawMargin, box / 5), box / 2);
}

}  // namespace dmaheap

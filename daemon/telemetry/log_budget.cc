#include "daemon/telemetry/log_budget.h"

#include <algorithm>

namespace dmaheap {

bool LogBudget::Take() {
  const absl::Time now = executor_.Now();
  if (refilled_ != absl::InfinitePast()) {
    budget_ = std::min(kBurst, budget_ + absl::ToDoubleSeconds(now - refilled_) * kLinesPerSecond);
  }
  refilled_ = now;
  if (budget_ < 1) {
    ++suppressed_;
    return false;
  }
  budget_ -= 1;
  return true;
}

}  // namespace dmaheap

#include "daemon/diagnosis/prober/log_clock.h"

#include <algorithm>

namespace dmaheap {
namespace {

constexpr double kMostDrift = 500e-6;

}  // namespace

void LogClock::OnRead(absl::Duration stamp, absl::Time read_at) {
  const absl::Duration at_least = stamp - (read_at - absl::UnixEpoch());
  ahead_ = as_of_ == absl::InfinitePast()
               ? at_least
               : std::max(at_least, ahead_ - kMostDrift * (read_at - as_of_));
  as_of_ = read_at;
}

absl::Time LogClock::Latest(absl::Duration stamp) const {
  return absl::UnixEpoch() + stamp - ahead_ + kTick;
}

}  // namespace dmaheap

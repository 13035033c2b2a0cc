#include "client/internal/deadline.h"

#include <algorithm>

namespace dmaheap::client_internal {
namespace {

// Above it the sum with now could leave the range of the clock (292 years).
constexpr absl::Duration kForever = absl::Hours(24 * 365 * 100);
constexpr absl::Duration kLongestPoll = absl::Minutes(1);

}  // namespace

Deadline Deadline::After(absl::Duration duration) {
  if (duration >= kForever) return Deadline(Clock::time_point::max());
  return Deadline(Clock::now() +
                  absl::ToChronoNanoseconds(std::max(duration, absl::ZeroDuration())));
}

Deadline Deadline::NoLaterThan(absl::Duration duration) const {
  return Deadline(std::min(time_, After(duration).time_));
}

absl::Duration Deadline::Remaining() const {
  if (infinite()) return absl::InfiniteDuration();
  return std::max(absl::FromChrono(time_ - Clock::now()), absl::ZeroDuration());
}

int Deadline::PollMilliseconds() const {
  const absl::Duration remaining = std::min(Remaining(), kLongestPoll);
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(remaining, absl::Milliseconds(1))));
}

}  // namespace dmaheap::client_internal

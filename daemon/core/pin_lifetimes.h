// How long things that are in the way of an area's allocations last: a small histogram, and what it
// lets expect of the next one.
//
// A request that failed and then succeeded saw something go. When, is known only to lie between its
// last failure and its success, so the middle of the two counts. That keeps the estimate honest: an
// upper end would make the next wait longer, and with it the next observation.
//
// Old observations fade: beyond kMostWeight all are halved. Pure; inside tasks only.

#ifndef DAEMON_CORE_PIN_LIFETIMES_H_
#define DAEMON_CORE_PIN_LIFETIMES_H_

#include <array>
#include <cstddef>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/telemetry/duration_histogram.h"

namespace dmaheap {

class PinLifetimes {
 public:
  static constexpr size_t kBuckets = DurationHistogram::kBuckets;
  static absl::Duration UpperEnd(size_t bucket) { return DurationHistogram::UpperEnd(bucket); }

  // Fewer tell nothing: the schedule decides.
  static constexpr double kEnough = 16;
  // About the last thousand count.
  static constexpr double kMostWeight = 1024;

  // Something was still in the way last_failed after it was first seen, and no longer at gone.
  void Add(absl::Duration last_failed, absl::Duration gone);

  // The time from now after which half of those are gone that lasted at least as long as age.
  // Absent if too few did.
  absl::optional<absl::Duration> MedianRest(absl::Duration age) const;

  // Ever seen: these do not fade.
  const DurationHistogram& totals() const { return totals_; }

 private:
  std::array<double, kBuckets> weights_ = {};
  double weight_ = 0;
  DurationHistogram totals_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_PIN_LIFETIMES_H_

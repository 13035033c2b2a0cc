#include "daemon/core/pin_lifetimes.h"

#include <algorithm>

namespace dmaheap {
namespace {

absl::Duration LowerEnd(size_t bucket) {
  return bucket == 0 ? absl::ZeroDuration() : PinLifetimes::UpperEnd(bucket - 1);
}

// How much of a bucket lies above age, if what is in it is spread evenly.
double ShareAbove(size_t bucket, absl::Duration age) {
  const absl::Duration lower = LowerEnd(bucket), upper = PinLifetimes::UpperEnd(bucket);
  if (age <= lower) return 1;
  if (age >= upper) return 0;
  return absl::FDivDuration(upper - age, upper - lower);
}

}  // namespace

void PinLifetimes::Add(absl::Duration last_failed, absl::Duration gone) {
  const absl::Duration lifetime = last_failed + (std::max(gone, last_failed) - last_failed) / 2;
  totals_.Add(lifetime);
  weights_[DurationHistogram::BucketOf(lifetime)] += 1;
  weight_ += 1;
  if (weight_ <= kMostWeight) return;
  for (double& weight : weights_) weight /= 2;
  weight_ /= 2;
}

absl::optional<absl::Duration> PinLifetimes::MedianRest(absl::Duration age) const {
  double above = 0;
  for (size_t i = 0; i < kBuckets; ++i) above += weights_[i] * ShareAbove(i, age);
  if (above < kEnough) return absl::nullopt;
  double wanted = above / 2;
  for (size_t i = 0; i < kBuckets; ++i) {
    const double here = weights_[i] * ShareAbove(i, age);
    if (here < wanted) {
      wanted -= here;
      continue;
    }
    const absl::Duration from = std::max(LowerEnd(i), age);
    return from + (UpperEnd(i) - from) * (wanted / here) - age;
  }
  return absl::nullopt;
}

}  // namespace dmaheap

#include "daemon/telemetry/duration_histogram.h"

#include <algorithm>

namespace dmaheap {
namespace {

constexpr int64_t kFirstEndNanos = 250'000;

}  // namespace

absl::Duration DurationHistogram::UpperEnd(size_t bucket) {
  return absl::Nanoseconds(kFirstEndNanos << bucket);
}

// In whole numbers: it stands on the way of every allocation.
size_t DurationHistogram::BucketOf(absl::Duration duration) {
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  size_t bucket = 0;
  while (bucket + 1 < kBuckets && nanos > kFirstEndNanos << bucket) ++bucket;
  return bucket;
}

void DurationHistogram::Add(absl::Duration duration) {
  const absl::Duration counted = std::max(duration, absl::ZeroDuration());
  ++counts[BucketOf(counted)];
  sum += counted;
}

}  // namespace dmaheap

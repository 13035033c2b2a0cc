// How long things took, counted by size: 0.25 ms, then twice as much for each bucket, up to 65.5 s;
// the last takes the rest. One set of ends for all, so that what waited and what was waited for can
// be laid side by side. It only grows. Pure; inside tasks only.

#ifndef DAEMON_TELEMETRY_DURATION_HISTOGRAM_H_
#define DAEMON_TELEMETRY_DURATION_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace dmaheap {

struct DurationHistogram {
  static constexpr size_t kBuckets = 20;

  // What is as long as the end is within. That of the last bucket is no bound, only where the next
  // one would begin.
  static absl::Duration UpperEnd(size_t bucket);
  static size_t BucketOf(absl::Duration duration);

  // One below zero counts as zero.
  void Add(absl::Duration duration);

  std::array<int64_t, kBuckets> counts = {};
  absl::Duration sum;
};

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_DURATION_HISTOGRAM_H_

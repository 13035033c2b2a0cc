#include "daemon/telemetry/duration_histogram.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(DurationHistogramTest, EndsDoubleFromAQuarterOfAMillisecond) {
  EXPECT_EQ(DurationHistogram::UpperEnd(0), absl::Microseconds(250));
  EXPECT_EQ(DurationHistogram::UpperEnd(2), absl::Milliseconds(1));
  EXPECT_EQ(DurationHistogram::UpperEnd(18), absl::Milliseconds(65'536));
}

TEST(DurationHistogramTest, WhatIsAsLongAsAnEndIsWithinIt) {
  for (size_t i = 0; i + 1 < DurationHistogram::kBuckets; ++i) {
    const absl::Duration end = DurationHistogram::UpperEnd(i);
    EXPECT_EQ(DurationHistogram::BucketOf(end), i);
    EXPECT_EQ(DurationHistogram::BucketOf(end + absl::Nanoseconds(1)), i + 1);
  }
}

TEST(DurationHistogramTest, TheLastBucketTakesTheRest) {
  EXPECT_EQ(DurationHistogram::BucketOf(absl::Hours(50)), DurationHistogram::kBuckets - 1);
  EXPECT_EQ(DurationHistogram::BucketOf(absl::InfiniteDuration()), DurationHistogram::kBuckets - 1);
}

TEST(DurationHistogramTest, CountsAndSumsWhatIsAdded) {
  DurationHistogram histogram;
  histogram.Add(absl::Milliseconds(1));
  histogram.Add(absl::Microseconds(900));
  histogram.Add(absl::Seconds(2));

  EXPECT_EQ(histogram.counts[2], 2);
  EXPECT_EQ(histogram.counts[13], 1);
  EXPECT_EQ(histogram.sum, absl::Microseconds(2'001'900));
}

// Two clocks, or one that was set: a sum that shrinks is no counter.
TEST(DurationHistogramTest, WhatIsBelowZeroIsZero) {
  DurationHistogram histogram;
  histogram.Add(-absl::Seconds(1));

  EXPECT_EQ(histogram.counts[0], 1);
  EXPECT_EQ(histogram.sum, absl::ZeroDuration());
}

}  // namespace
}  // namespace dmaheap

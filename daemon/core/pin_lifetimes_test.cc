#include "daemon/core/pin_lifetimes.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);

TEST(PinLifetimesTest, SaysNothingBeforeItSawEnough) {
  PinLifetimes lifetimes;
  for (int i = 0; i < PinLifetimes::kEnough - 1; ++i) {
    lifetimes.Add(4 * kMs, 4 * kMs);
    EXPECT_EQ(lifetimes.MedianRest(absl::ZeroDuration()), absl::nullopt);
  }
  lifetimes.Add(4 * kMs, 4 * kMs);
  EXPECT_TRUE(lifetimes.MedianRest(absl::ZeroDuration()).has_value());
}

TEST(PinLifetimesTest, TheMedianLiesInTheBucketWhereHalfAreGone) {
  PinLifetimes lifetimes;
  for (int i = 0; i < 60; ++i) lifetimes.Add(kMs, kMs);
  for (int i = 0; i < 40; ++i) lifetimes.Add(100 * kMs, 100 * kMs);

  const auto median = lifetimes.MedianRest(absl::ZeroDuration());

  ASSERT_TRUE(median.has_value());
  EXPECT_GT(*median, kMs / 2);
  EXPECT_LE(*median, kMs);
}

// Most pins go at once; one that did not is of another kind.
TEST(PinLifetimesTest, WhatLastedLongerThanMostIsMeasuredByThoseThatLastedAsLong) {
  PinLifetimes lifetimes;
  for (int i = 0; i < 900; ++i) lifetimes.Add(kMs, kMs);
  for (int i = 0; i < 50; ++i) lifetimes.Add(1000 * kMs, 1000 * kMs);

  const auto young = lifetimes.MedianRest(absl::ZeroDuration());
  const auto old = lifetimes.MedianRest(20 * kMs);

  ASSERT_TRUE(young.has_value() && old.has_value());
  EXPECT_LE(*young, kMs);
  EXPECT_GT(*old, 400 * kMs);
  EXPECT_LT(*old, 1100 * kMs);
  EXPECT_EQ(lifetimes.MedianRest(absl::Hours(1)), absl::nullopt);
}

TEST(PinLifetimesTest, OldObservationsFade) {
  PinLifetimes lifetimes;
  for (int i = 0; i < 5000; ++i) lifetimes.Add(500 * kMs, 500 * kMs);
  for (int i = 0; i < 3000; ++i) lifetimes.Add(kMs, kMs);

  EXPECT_LE(*lifetimes.MedianRest(absl::ZeroDuration()), kMs);
  EXPECT_EQ(lifetimes.totals().counts[2] + lifetimes.totals().counts[11], 8000);
  EXPECT_EQ(lifetimes.totals().sum, 5000 * 500 * kMs + 3000 * kMs);
}

TEST(PinLifetimesTest, TakesTheShortestAndTheLongest) {
  PinLifetimes lifetimes;
  for (int i = 0; i < 20; ++i) lifetimes.Add(absl::ZeroDuration(), absl::ZeroDuration());
  EXPECT_LE(*lifetimes.MedianRest(absl::ZeroDuration()), PinLifetimes::UpperEnd(0));
  for (int i = 0; i < 40; ++i) lifetimes.Add(absl::Hours(50), absl::Hours(50));
  EXPECT_EQ(lifetimes.totals().counts[PinLifetimes::kBuckets - 1], 40);
}

// The estimate feeds on what its own waits let it see: it must come to rest near the truth.
TEST(PinLifetimesTest, WaitingByItDoesNotDriveItAway) {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> lifetime(1 / 8.0);  // milliseconds; median 5.5
  PinLifetimes lifetimes;
  absl::Duration wait = kMs;
  for (int i = 0; i < 20'000; ++i) {
    const absl::Duration gone = lifetime(random) * kMs;
    absl::Duration last_failed, now;
    for (int attempt = 1; now < gone; ++attempt) {
      last_failed = now;
      wait = std::clamp(lifetimes.MedianRest(now).value_or(attempt * kMs), kMs, 100 * kMs);
      now += wait;
    }
    lifetimes.Add(last_failed, now);
  }
  const absl::Duration rest = *lifetimes.MedianRest(absl::ZeroDuration());
  EXPECT_GT(rest, kMs);
  EXPECT_LT(rest, 12 * kMs);
}

}  // namespace
}  // namespace dmaheap

#include "daemon/diagnosis/prober/log_clock.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

// Here local_clock() is 2 s ahead of the monotonic clock.
absl::Duration Stamp(double seconds) { return absl::Seconds(seconds + 2); }

TEST(LogClockTest, ARecordThatWasReadAtOnceDatesTheOthers) {
  LogClock clock;
  clock.OnRead(Stamp(99.5), At(100));
  clock.OnRead(Stamp(100), At(100));

  EXPECT_EQ(clock.Latest(Stamp(99.5)), At(99.5) + LogClock::kTick);
}

TEST(LogClockTest, OneThatWasReadLateDatesThemNoEarlierThanTheyWere) {
  LogClock clock;
  clock.OnRead(Stamp(90), At(100));

  EXPECT_EQ(clock.Latest(Stamp(90)), At(100) + LogClock::kTick);
}

TEST(LogClockTest, WhatWasLearntOnceStaysButForWhatClocksDrift) {
  LogClock clock;
  clock.OnRead(Stamp(100), At(100));
  clock.OnRead(Stamp(1000), At(1100));

  EXPECT_EQ(clock.Latest(Stamp(1000)), At(1000) + absl::Milliseconds(500) + LogClock::kTick);
}

}  // namespace
}  // namespace dmaheap

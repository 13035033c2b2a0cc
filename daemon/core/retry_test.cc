#include "daemon/core/retry.h"

#include <cerrno>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kForever = absl::InfiniteDuration();

RetryPolicy Schedule() {
  RetryPolicy schedule;
  schedule.max_attempts = 6;
  schedule.initial_backoff = absl::Milliseconds(1);
  schedule.max_backoff = absl::Milliseconds(100);
  schedule.multiplier = 4;
  schedule.jitter = 0.2;
  return schedule;
}

TEST(RetryTest, GrowsFromTheFirstDelayToTheBound) {
  const double middle = 0.5;
  EXPECT_EQ(NextDelay(Schedule(), 1, ENOMEM, kForever, middle), absl::Milliseconds(1));
  EXPECT_EQ(NextDelay(Schedule(), 2, ENOMEM, kForever, middle), absl::Milliseconds(4));
  EXPECT_EQ(NextDelay(Schedule(), 3, ENOMEM, kForever, middle), absl::Milliseconds(16));
  EXPECT_EQ(NextDelay(Schedule(), 4, ENOMEM, kForever, middle), absl::Milliseconds(64));
  EXPECT_EQ(NextDelay(Schedule(), 5, ENOMEM, kForever, middle), absl::Milliseconds(100));
}

TEST(RetryTest, GivesUpAfterTheLastAttempt) {
  EXPECT_TRUE(NextDelay(Schedule(), 5, ENOMEM, kForever, 0.5).has_value());
  EXPECT_EQ(NextDelay(Schedule(), 6, ENOMEM, kForever, 0.5), absl::nullopt);
  RetryPolicy once = Schedule();
  once.max_attempts = 1;
  EXPECT_EQ(NextDelay(once, 1, ENOMEM, kForever, 0.5), absl::nullopt);
}

TEST(RetryTest, JitterStaysWithinItsShare) {
  EXPECT_EQ(NextDelay(Schedule(), 1, ENOMEM, kForever, 0), absl::Microseconds(800));
  EXPECT_LT(*NextDelay(Schedule(), 1, ENOMEM, kForever, 0.999999), absl::Microseconds(1200));
  RetryPolicy none = Schedule();
  none.jitter = 0;
  EXPECT_EQ(NextDelay(none, 1, ENOMEM, kForever, 0.9), absl::Milliseconds(1));
}

TEST(RetryTest, APowerThatOverflowsIsTheBound) {
  RetryPolicy endless = Schedule();
  endless.max_attempts = 1 << 30;
  endless.multiplier = 1e300;
  EXPECT_EQ(NextDelay(endless, 1000, ENOMEM, kForever, 0.5), absl::Milliseconds(100));
}

TEST(RetryTest, NoBackoffAtAllStaysFinite) {
  RetryPolicy zero = Schedule();
  zero.max_attempts = 1 << 30;
  zero.initial_backoff = absl::ZeroDuration();
  zero.multiplier = 10;
  // 0 times infinity must not become a delay for ever.
  const auto delay = NextDelay(zero, 100000, ENOMEM, kForever, 0.5);
  ASSERT_TRUE(delay.has_value());
  EXPECT_LE(*delay, absl::Milliseconds(100));
  EXPECT_GE(*delay, absl::ZeroDuration());
}

TEST(RetryTest, ADelayThatTheDeadlineDoesNotLeaveIsNoRetry) {
  const absl::Duration delay = absl::Milliseconds(1);
  EXPECT_TRUE(NextDelay(Schedule(), 1, ENOMEM, delay + absl::Nanoseconds(1), 0.5).has_value());
  EXPECT_EQ(NextDelay(Schedule(), 1, ENOMEM, delay, 0.5), absl::nullopt);
  EXPECT_EQ(NextDelay(Schedule(), 1, ENOMEM, absl::Milliseconds(-5), 0.5), absl::nullopt);
}

TEST(RetryTest, OnlyWhatMayPassIsTriedAgain) {
  for (const int transient : {ENOMEM, EAGAIN, EBUSY, EINTR}) {
    EXPECT_TRUE(IsTransient(transient)) << transient;
    EXPECT_TRUE(NextDelay(Schedule(), 1, transient, kForever, 0.5).has_value());
  }
  for (const int lasting : {0, EINVAL, ENODEV, ENOTTY, EMFILE, ENFILE, ENOSPC, EACCES, EPERM,
                            EFAULT, EIO, EBADF, EFBIG}) {
    EXPECT_FALSE(IsTransient(lasting)) << lasting;
    EXPECT_EQ(NextDelay(Schedule(), 1, lasting, kForever, 0.5), absl::nullopt) << lasting;
  }
}

}  // namespace
}  // namespace dmaheap

#include "daemon/core/lane_share.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);
constexpr int64_t kSmall = 1 << 20;
constexpr int64_t kLarge = 64 << 20;
const absl::Time kStart = absl::UnixEpoch();

TEST(LaneShareTest, WhoIsAloneIsNotHeldUp) {
  LaneShare share;
  EXPECT_EQ(share.BookRetry(kStart, 100 * kMs, kLarge), absl::ZeroDuration());
}

TEST(LaneShareTest, WhileQuickerOnesFlowARetryWaitsFourTimesWhatItTook) {
  LaneShare share;
  share.OnServed(kStart, kMs, kSmall);
  EXPECT_EQ(share.BookRetry(kStart, 100 * kMs, kLarge), 400 * kMs);
}

TEST(LaneShareTest, AmongAttemptsThatTakeAboutAsLongNobodyIsHeldUp) {
  LaneShare share;
  share.OnServed(kStart, 30 * kMs, kSmall);
  EXPECT_EQ(share.BookRetry(kStart, 100 * kMs, kLarge), absl::ZeroDuration());
}

TEST(LaneShareTest, TheSameSizeHoldsUpNobodyHoweverQuicklyItWent) {
  LaneShare share;
  share.OnServed(kStart, kMs, kLarge);
  EXPECT_EQ(share.BookRetry(kStart, 100 * kMs, kLarge), absl::ZeroDuration());
}

TEST(LaneShareTest, AQuickOneCountsForASecondAtLeastAndTwoAtMost) {
  for (const auto& [after, held_up] : {std::pair(999 * kMs, true), std::pair(2001 * kMs, false)}) {
    LaneShare share;
    share.OnServed(kStart, kMs, kSmall);
    EXPECT_EQ(share.BookRetry(kStart + after, 100 * kMs, kLarge) > absl::ZeroDuration(), held_up)
        << after;
  }
}

TEST(LaneShareTest, AQuickOneIsRememberedOverTheTurnOfTheWindow) {
  LaneShare share;
  share.OnServed(kStart, 100 * kMs, kSmall);
  share.OnServed(kStart + 900 * kMs, kMs, kSmall);
  share.OnServed(kStart + 1100 * kMs, 100 * kMs, kSmall);
  EXPECT_EQ(share.BookRetry(kStart + 1200 * kMs, 100 * kMs, kLarge), 400 * kMs);
}

// Three large requests that never succeed, and a small one every 10 ms.
TEST(LaneShareTest, AllRetriesTogetherTakeAFifth) {
  LaneShare share;
  const absl::Duration took[] = {100 * kMs, 60 * kMs, 150 * kMs};
  absl::Time due[] = {kStart, kStart, kStart};
  absl::Time now = kStart;
  absl::Duration busy;
  const absl::Time end = kStart + absl::Seconds(60);
  share.OnServed(now, kMs, kSmall);
  while (now < end) {
    const auto next = static_cast<size_t>(std::min_element(due, due + 3) - due);
    while (now < due[next]) {
      share.OnServed(now, kMs, kSmall);
      now += 10 * kMs;
    }
    now += took[next];
    busy += took[next];
    due[next] = now + share.BookRetry(now, took[next], kLarge);
  }
  EXPECT_LE(absl::FDivDuration(busy, now - kStart), 0.21);
  EXPECT_GE(absl::FDivDuration(busy, now - kStart), 0.15);
}

}  // namespace
}  // namespace dmaheap

#include "tests/policy_lab/contest.h"

#include <cstdlib>

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

RetryPolicy Shipped(const std::string& name) {
  for (const RetryPolicy& policy : ShippedRetryPolicies()) {
    if (policy.name == name) return policy;
  }
  abort();
}

Score MustPlay(const std::string& policy, const PinTrace& trace, const Demand& demand = {}) {
  const auto score = Play(Shipped(policy), trace, demand);
  EXPECT_TRUE(score.ok()) << score.status();
  return score.ok() ? *score : Score();
}

TEST(ContestTest, WithoutAPinEveryFirstAttemptServes) {
  PinTrace quiet;
  quiet.area_pages = 1024;
  const Score score = MustPlay(kFailfastPolicy, quiet);
  EXPECT_EQ(score.success_ratio(), 1);
  EXPECT_EQ(score.attempts_mean, 1);
}

TEST(ContestTest, APinOfTwoSecondsIsOutlastedByNofailAlone) {
  PinTrace trace;
  trace.area_pages = 1024;
  trace.pins = {{absl::ZeroDuration(), absl::Seconds(3), 512}};
  Demand one;
  one.requests = 1;

  EXPECT_EQ(MustPlay(kKernelPolicy, trace, one).served, 0);
  EXPECT_EQ(MustPlay(kDefaultPolicy, trace, one).served, 0);
  const Score nofail = MustPlay(kNofailPolicy, trace, one);
  EXPECT_EQ(nofail.served, 1);
  EXPECT_GE(nofail.mean_wait, absl::Seconds(3));
  EXPECT_LE(nofail.mean_wait, absl::Seconds(3) + absl::Milliseconds(130));
}

TEST(ContestTest, ADeadlineEndsARequest) {
  PinTrace trace;
  trace.area_pages = 1024;
  trace.pins = {{absl::ZeroDuration(), absl::Hours(1), 512}};
  Demand one;
  one.requests = 1;
  one.deadline = absl::Seconds(1);
  const Score score = MustPlay(kNofailPolicy, trace, one);
  EXPECT_EQ(score.served, 0);
  EXPECT_EQ(score.mean_wait, absl::Seconds(1));
}

TEST(ContestTest, TheSameTraceGivesTheSameScore) {
  PinTrace storm;
  storm.area_pages = 1024;
  for (int i = 0; i < 500; ++i) {
    storm.pins.push_back({absl::Milliseconds(20 * i), absl::Milliseconds(10), i, i % 2 == 0});
  }
  const Score score = MustPlay(kNofailPolicy, storm);
  EXPECT_GT(score.attempts_mean, 1);
  EXPECT_EQ(MustPlay(kNofailPolicy, storm).waits, score.waits);
}

// One request for a page that is pinned for so long from the start on.
PinTrace OnePin(absl::Duration lasts, absl::Duration attempt = absl::ZeroDuration()) {
  PinTrace trace;
  trace.area_pages = 1024;
  trace.attempt_times = {attempt};
  trace.pins = {{absl::ZeroDuration(), lasts, 512}};
  return trace;
}

Demand One() {
  Demand one;
  one.requests = 1;
  return one;
}

TEST(ContestTest, AnAttemptTakesItsTimeAndFailsForWhatIsThereAtItsEnd) {
  const absl::Duration attempt = absl::Milliseconds(30);
  const Score gone = MustPlay(kFailfastPolicy, OnePin(absl::Milliseconds(29), attempt), One());
  EXPECT_EQ(gone.served, 1);
  EXPECT_EQ(gone.mean_wait, absl::Milliseconds(30) + absl::Microseconds(2));
  EXPECT_EQ(MustPlay(kFailfastPolicy, OnePin(absl::Milliseconds(31), attempt), One()).served, 0);
}

TEST(ContestTest, APageThatStaysIsInTheWayIfItWasPassedOver) {
  PinTrace trace = OnePin(absl::Milliseconds(20), absl::Milliseconds(30));
  // In the middle of the area, so it is passed after 15 ms.
  trace.pins[0].stays = true;
  EXPECT_EQ(MustPlay(kFailfastPolicy, trace, One()).served, 0);
  EXPECT_EQ(MustPlay(kNofailPolicy, trace, One()).attempts_mean, 2);
}

TEST(ContestTest, AnAttemptThatEndsAfterTheDeadlineServesNobody) {
  Demand demand = One();
  demand.deadline = absl::Milliseconds(10);
  const Score score =
      MustPlay(kNofailPolicy, OnePin(absl::ZeroDuration(), absl::Milliseconds(30)), demand);
  EXPECT_EQ(score.served, 0);
  EXPECT_EQ(score.mean_wait, demand.deadline);
}

TEST(ContestTest, AReleaseThatIsWatchedEndsTheWaitAndSavesTries) {
  Demand blind = One();
  blind.page_watch = false;
  const PinTrace trace = OnePin(absl::Seconds(3));
  const Score without = MustPlay(kNofailPolicy, trace, blind);
  const Score with = MustPlay(kNofailPolicy, trace, One());

  EXPECT_EQ(without.woken_mean, 0);
  EXPECT_EQ(with.woken_mean, 1);
  EXPECT_GT(without.attempts_mean, 50);
  EXPECT_LT(with.attempts_mean, 15);
  EXPECT_LE(with.mean_wait, absl::Seconds(3) + absl::Milliseconds(2));
}

TEST(ContestTest, APolicyThatCountsItsAttemptsIsNotWoken) {
  RetryPolicy counted = Shipped(kNofailPolicy);
  counted.max_attempts = 1000;
  const auto score = Play(counted, OnePin(absl::Seconds(3)), One());
  ASSERT_TRUE(score.ok());
  EXPECT_EQ(score->woken_mean, 0);
}

TEST(ContestTest, APageThatIsSeenToBeStuckEndsAPolicyThatGivesUpThen) {
  Demand blind = One();
  blind.page_watch = false;
  const PinTrace trace = OnePin(absl::Hours(1));
  EXPECT_LT(MustPlay(kDefaultPolicy, trace, One()).mean_wait, absl::Seconds(1.5));
  EXPECT_GE(MustPlay(kDefaultPolicy, trace, blind).mean_wait, absl::Seconds(1.5));
}

RetryPolicy WithBox(absl::Duration box) {
  RetryPolicy policy = Shipped(kNofailPolicy);
  policy.barrier = BarrierUse{.cgroup = "/sys/fs/cgroup/storm", .box = box};
  return policy;
}

// A pin for 10 ms of every 12.
PinTrace DenseStorm(absl::Duration attempt) {
  PinTrace trace;
  trace.area_pages = 1024;
  trace.attempt_times = {attempt};
  for (int i = 0; i < 5000; ++i) {
    trace.pins.push_back({absl::Milliseconds(12 * i), absl::Milliseconds(10), i % 1024});
  }
  return trace;
}

// Apart by more than the budget's second.
Demand Rare() {
  Demand demand;
  demand.requests = 50;
  demand.interval = absl::Milliseconds(1150);
  return demand;
}

TEST(ContestTest, BehindABarrierThatOutlastsTheAttemptItSucceeds) {
  const auto score =
      Play(WithBox(absl::Milliseconds(50)), DenseStorm(absl::Milliseconds(30)), Rare());
  ASSERT_TRUE(score.ok());
  EXPECT_EQ(score->cured_ratio, 1);
  EXPECT_GT(score->barriers_mean, 0.5);
  EXPECT_LE(score->barriers_mean, 1);
  // Thawed as the attempt ends.
  const double per_barrier = absl::ToDoubleMilliseconds(score->frozen_mean) / score->barriers_mean;
  EXPECT_GT(per_barrier, 32);
  EXPECT_LT(per_barrier, 33.01);
}

TEST(ContestTest, ABarrierThatEndsBeforeTheAttemptHelpsNoMoreThanChance) {
  const auto score =
      Play(WithBox(absl::Milliseconds(10)), DenseStorm(absl::Milliseconds(30)), Rare());
  ASSERT_TRUE(score.ok());
  EXPECT_LT(score->cured_ratio, 0.5);
  EXPECT_GT(score->barriers_mean, 0);
}

TEST(ContestTest, ABarrierDoesNothingToPinsOfOthersAndToThoseThatStay) {
  Demand demand = Rare();
  demand.frozen.pins = 0;
  const auto others =
      Play(WithBox(absl::Milliseconds(50)), DenseStorm(absl::Milliseconds(30)), demand);
  demand.frozen = {.pins = 1, .staying = 1};
  const auto staying =
      Play(WithBox(absl::Milliseconds(50)), DenseStorm(absl::Milliseconds(30)), demand);
  ASSERT_TRUE(others.ok() && staying.ok());
  EXPECT_LT(others->cured_ratio, 0.5);
  EXPECT_LT(staying->cured_ratio, 0.5);
}

TEST(ContestTest, NoSecondHasMoreFrozenTimeThanTheBudget) {
  const PinTrace storm = DenseStorm(absl::Milliseconds(30));
  Demand demand;
  demand.requests = 290;
  const auto score = Play(WithBox(absl::Milliseconds(50)), storm, demand);
  ASSERT_TRUE(score.ok());
  const absl::Duration frozen = score->frozen_mean * demand.requests;
  EXPECT_GT(frozen, absl::Seconds(1));
  EXPECT_LE(frozen, (storm.length() + absl::Seconds(2)) * 0.05);
}

TEST(ContestTest, ABoxTooShortToStandStillInCostsTimeAndCuresNothing) {
  const auto score =
      Play(WithBox(absl::Milliseconds(2)), DenseStorm(absl::Milliseconds(30)), Rare());
  ASSERT_TRUE(score.ok());
  EXPECT_GT(score->barriers_mean, 0);
  EXPECT_EQ(score->cured_ratio, 0);
  EXPECT_EQ(score->success_ratio(), 1);
}

TEST(ContestTest, MoreThanTheAreaIsRefused) {
  PinTrace trace;
  trace.area_pages = 16;
  Demand demand;
  demand.pages = 17;
  EXPECT_TRUE(absl::IsInvalidArgument(Play(Shipped(kNofailPolicy), trace, demand).status()));
}

}  // namespace
}  // namespace dmaheap::policy_lab

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

TEST(ContestTest, UnderAForkStormFourInTenFirstAttemptsFailAndNofailLosesNone) {
  const PinTrace storm = MakeStorm(ForkStorm());
  const Score failfast = MustPlay(kFailfastPolicy, storm);
  const Score kernel = MustPlay(kKernelPolicy, storm);
  const Score nofail = MustPlay(kNofailPolicy, storm);

  EXPECT_NEAR(failfast.success_ratio(), 0.6, 0.1);
  EXPECT_GT(kernel.success_ratio(), failfast.success_ratio());
  EXPECT_EQ(nofail.success_ratio(), 1);
  EXPECT_LT(nofail.Percentile(0.99), kernel.Percentile(0.99));
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
  const PinTrace storm = MakeStorm(ExitStorm());
  EXPECT_EQ(MustPlay(kNofailPolicy, storm).waits, MustPlay(kNofailPolicy, storm).waits);
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

// The traces of traces/, which were recorded from a kernel, and how far those that are made up are
// like them.

#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tests/policy_lab/contest.h"
#include "tests/policy_lab/made_up_traces.h"
#include "tests/policy_lab/named_trace.h"

namespace dmaheap::policy_lab {
namespace {

PinTrace MustRead(const std::string& name) {
  auto trace = NamedTrace(name, /*seed=*/1);
  EXPECT_TRUE(trace.ok()) << trace.status();
  return trace.ok() ? *trace : PinTrace();
}

Score MustPlay(const std::string& policy, const PinTrace& trace, const Demand& demand = {}) {
  for (const RetryPolicy& shipped : ShippedRetryPolicies()) {
    if (shipped.name != policy) continue;
    const auto score = Play(shipped, trace, demand);
    EXPECT_TRUE(score.ok()) << score.status();
    return score.ok() ? *score : Score();
  }
  abort();
}

Demand Many() {
  Demand demand;
  demand.requests = 600;
  return demand;
}

// What the kernel said of its own attempts as this was recorded: 3 of 4 failed, or four tries for
// each buffer. The storm benchmark has 2.8 for the daemon.
TEST(RecordedTracesTest, UnderForksNofailLosesNoneAndTakesThreeTries) {
  const PinTrace storm = MustRead("recorded_fork_storm");
  EXPECT_NEAR(MustPlay(kFailfastPolicy, storm, Many()).success_ratio(), 0.42, 0.05);
  const Score nofail = MustPlay(kNofailPolicy, storm, Many());
  EXPECT_EQ(nofail.success_ratio(), 1);
  EXPECT_NEAR(nofail.attempts_mean, 3, 0.4);
  EXPECT_LT(MustPlay(kKernelPolicy, storm, Many()).success_ratio(), 0.98);
}

TEST(RecordedTracesTest, UnderExitsNofailLosesNoneAndTakesTwoTries) {
  const PinTrace storm = MustRead("recorded_exit_storm");
  EXPECT_NEAR(MustPlay(kFailfastPolicy, storm, Many()).success_ratio(), 0.49, 0.05);
  const Score nofail = MustPlay(kNofailPolicy, storm, Many());
  EXPECT_EQ(nofail.success_ratio(), 1);
  EXPECT_NEAR(nofail.attempts_mean, 2.1, 0.3);
}

TEST(RecordedTracesTest, MadeUpStormsRefuseAsManyFirstAttempts) {
  for (const char* name : {"fork_storm", "exit_storm"}) {
    const Score made_up = MustPlay(kFailfastPolicy, MustRead(name), Many());
    const Score recorded =
        MustPlay(kFailfastPolicy, MustRead(std::string("recorded_") + name), Many());
    EXPECT_NEAR(made_up.success_ratio(), recorded.success_ratio(), 0.07) << name;
    const double tries = MustPlay(kNofailPolicy, MustRead(name), Many()).attempts_mean;
    const double recorded_tries =
        MustPlay(kNofailPolicy, MustRead(std::string("recorded_") + name), Many()).attempts_mean;
    EXPECT_NEAR(tries, recorded_tries, 0.5) << name;
  }
}

TEST(RecordedTracesTest, ANameThatIsNoneIsAnsweredWithThoseThatThereAre) {
  const auto trace = NamedTrace("fork_strom", 1);
  EXPECT_TRUE(absl::IsNotFound(trace.status()));
  EXPECT_TRUE(absl::StrContains(trace.status().message(), "recorded_fork_storm")) << trace.status();
}

}  // namespace
}  // namespace dmaheap::policy_lab

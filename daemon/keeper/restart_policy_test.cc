#include "daemon/keeper/restart_policy.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class RestartPolicyTest : public ::testing::Test {
 protected:
  // One life of that length in which it never serves; what the policy says at its end.
  absl::optional<absl::Duration> Live(absl::Duration length) {
    policy_.OnStart(now_);
    now_ += length;
    return policy_.OnExit(now_);
  }
  // The same, and it serves.
  absl::optional<absl::Duration> Serve(absl::Duration length) {
    policy_.OnStart(now_);
    policy_.OnReady();
    now_ += length;
    return policy_.OnExit(now_);
  }

  RestartPolicy policy_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(RestartPolicyTest, TheFirstRestartComesAtOnceAndTheDelayDoublesUpToItsLimit) {
  for (const int milliseconds : {0, 100, 200, 400, 500, 500, 500}) {
    EXPECT_EQ(Serve(absl::Milliseconds(10)), absl::Milliseconds(milliseconds));
  }
}

TEST_F(RestartPolicyTest, AChildThatServedIsBackWithinASecondHoweverOftenItDies) {
  for (int i = 0; i < 1000; ++i) EXPECT_LT(Serve(absl::ZeroDuration()), absl::Seconds(1));
}

TEST_F(RestartPolicyTest, OneThatComesUpNoMoreIsTriedMoreAndMoreRarely) {
  Serve(absl::Seconds(1));

  for (const int milliseconds : {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
    EXPECT_EQ(Live(absl::Milliseconds(10)), absl::Milliseconds(milliseconds));
  }
}

TEST_F(RestartPolicyTest, AsSoonAsItServesAgainItIsBackWithinASecond) {
  Serve(absl::Seconds(1));
  for (int i = 0; i < 10; ++i) Live(absl::Milliseconds(10));

  EXPECT_EQ(Serve(absl::Milliseconds(10)), absl::Milliseconds(500));
}

TEST_F(RestartPolicyTest, AChildThatLivedLongBeginsAnew) {
  for (int i = 0; i < 5; ++i) Serve(absl::Milliseconds(10));

  EXPECT_EQ(Serve(absl::Seconds(30)), absl::ZeroDuration());
  EXPECT_EQ(Serve(absl::Seconds(29)), absl::Milliseconds(100));
}

TEST_F(RestartPolicyTest, ThreeEarlyDeathsBeforeItWasEverReadyAreTheEnd) {
  EXPECT_TRUE(Live(absl::Milliseconds(10)).has_value());
  EXPECT_TRUE(Live(absl::Milliseconds(10)).has_value());
  EXPECT_FALSE(Live(absl::Milliseconds(10)).has_value());
}

TEST_F(RestartPolicyTest, ALateDeathBetweenThemBeginsTheCountAnew) {
  Live(absl::Milliseconds(10));
  Live(absl::Milliseconds(10));
  Live(absl::Seconds(1));

  EXPECT_TRUE(Live(absl::Milliseconds(10)).has_value());
  EXPECT_TRUE(Live(absl::Milliseconds(10)).has_value());
  EXPECT_FALSE(Live(absl::Milliseconds(10)).has_value());
}

TEST_F(RestartPolicyTest, OnceReadyItIsRestartedForEver) {
  Serve(absl::ZeroDuration());

  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Live(absl::ZeroDuration()).has_value());
}

}  // namespace
}  // namespace dmaheap

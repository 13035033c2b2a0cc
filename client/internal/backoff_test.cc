#include "client/internal/backoff.h"

#include "gtest/gtest.h"

namespace dmaheap::client_internal {
namespace {

TEST(BackoffTest, DoublesUpToItsLimitWithinHalfToWholeOfTheStep) {
  Backoff backoff(1);
  absl::Duration step = kFirstBackoff;
  for (int i = 0; i < 20; ++i) {
    const absl::Duration delay = backoff.Next();
    EXPECT_GE(delay, step / 2);
    EXPECT_LE(delay, step);
    step = std::min(step * 2, kLongestBackoff);
  }
  EXPECT_EQ(backoff.tries(), 20);
}

TEST(BackoffTest, ClientsDoNotMarchInStep) {
  Backoff one(1);
  Backoff two(2);

  EXPECT_NE(one.Next(), two.Next());
}

TEST(BackoffTest, SeedsItselfDifferently) {
  Backoff one;
  Backoff two;

  EXPECT_NE(one.Next(), two.Next());
}

}  // namespace
}  // namespace dmaheap::client_internal

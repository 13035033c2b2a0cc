#include "tests/bench/guest/retries.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(RetriesTest, OneTryIsNoRetry) {
  EXPECT_FALSE(NextPause({.max_tries = 1}, 1, absl::ZeroDuration()).has_value());
}

TEST(RetriesTest, FiveTriesAreFourPauses) {
  const Retries retries = {.max_tries = 5, .pause = absl::Milliseconds(100)};

  EXPECT_EQ(NextPause(retries, 4, absl::Seconds(1)), absl::Milliseconds(100));
  EXPECT_FALSE(NextPause(retries, 5, absl::Seconds(1)).has_value());
}

TEST(RetriesTest, NobodyTriesAfterTheDeadline) {
  const Retries retries = {.pause = absl::Milliseconds(1), .deadline = absl::Milliseconds(20)};

  EXPECT_TRUE(NextPause(retries, 1000, absl::Milliseconds(18)).has_value());
  EXPECT_FALSE(NextPause(retries, 1, absl::Milliseconds(19)).has_value());
}

}  // namespace
}  // namespace dmaheap::bench

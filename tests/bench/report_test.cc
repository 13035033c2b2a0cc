#include "tests/bench/report.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

Bound AtMost(double limit) { return {Bound::Side::kAtMost, limit, ""}; }
Bound AtLeast(double limit) { return {Bound::Side::kAtLeast, limit, ""}; }

TEST(ReportTest, ABoundIsKeptUpToItsLimit) {
  EXPECT_TRUE(IsOk({"a", 2.0, "us", AtMost(2)}));
  EXPECT_FALSE(IsOk({"a", 2.1, "us", AtMost(2)}));
  EXPECT_TRUE(IsOk({"a", 2.0, "ops/s", AtLeast(2)}));
  EXPECT_FALSE(IsOk({"a", 1.9, "ops/s", AtLeast(2)}));
}

TEST(ReportTest, WhatHasNoBoundIsOk) {
  EXPECT_TRUE(IsOk({"a", 1e9, "us", absl::nullopt}));
  EXPECT_TRUE(IsOk({"a", absl::nullopt, "us", absl::nullopt}));
}

TEST(ReportTest, ABoundOnWhatWasNotMeasuredIsNotKept) {
  EXPECT_FALSE(IsOk({"a", absl::nullopt, "us", AtMost(2)}));
}

}  // namespace
}  // namespace dmaheap::bench

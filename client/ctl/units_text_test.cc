#include "client/ctl/units_text.h"

#include <limits>

#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

TEST(SizeTextTest, WholeUnitsHaveNoPoint) {
  EXPECT_EQ(SizeText(0), "0B");
  EXPECT_EQ(SizeText(1023), "1023B");
  EXPECT_EQ(SizeText(4096), "4KiB");
  EXPECT_EQ(SizeText(int64_t{256} << 20), "256MiB");
  EXPECT_EQ(SizeText(int64_t{1} << 40), "1TiB");
}

TEST(SizeTextTest, OtherNumbersAreRoundedDownToOneDigit) {
  EXPECT_EQ(SizeText(12441600), "11.8MiB");
  EXPECT_EQ(SizeText((int64_t{1} << 30) - 1), "1023.9MiB");
  EXPECT_EQ(SizeText(std::numeric_limits<int64_t>::max()), "8388607.9TiB");
}

TEST(AgeTextTest, EachUnitBeginsWhereItsDigitsSuffice) {
  EXPECT_EQ(AgeText(absl::ZeroDuration()), "0s");
  EXPECT_EQ(AgeText(absl::Milliseconds(1999)), "1s");
  EXPECT_EQ(AgeText(absl::Seconds(119)), "119s");
  EXPECT_EQ(AgeText(absl::Seconds(120)), "2m");
  EXPECT_EQ(AgeText(absl::Minutes(179)), "179m");
  EXPECT_EQ(AgeText(absl::Hours(3)), "3h");
  EXPECT_EQ(AgeText(absl::Hours(47)), "47h");
  EXPECT_EQ(AgeText(absl::Hours(48)), "2d");
}

TEST(AgeTextTest, ATimeInTheFutureIs0) { EXPECT_EQ(AgeText(-absl::Seconds(3)), "0s"); }

TEST(PrintableTest, WhatDrivesATerminalIsReplaced) {
  EXPECT_EQ(Printable("a b\x1b[31m\n\x7f\xc3"), "a b?[31m???");
}

}  // namespace
}  // namespace dmaheap::ctl

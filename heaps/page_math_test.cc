#include "heaps/page_math.h"

#include <limits>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(PageMathTest, SizesRoundUpToWholePages) {
  EXPECT_EQ(RoundUpToPages(1, 4096), 4096);
  EXPECT_EQ(RoundUpToPages(4095, 4096), 4096);
  EXPECT_EQ(RoundUpToPages(4096, 4096), 4096);
  EXPECT_EQ(RoundUpToPages(4097, 4096), 8192);
  EXPECT_EQ(RoundUpToPages(1, 65536), 65536);
}

TEST(PageMathTest, WhatIsNoSizeHasNoPages) {
  EXPECT_FALSE(RoundUpToPages(0, 4096).has_value());
  EXPECT_FALSE(RoundUpToPages(-1, 4096).has_value());
  EXPECT_FALSE(RoundUpToPages(std::numeric_limits<int64_t>::min(), 4096).has_value());
}

TEST(PageMathTest, RoundingUpNeverOverflows) {
  EXPECT_FALSE(RoundUpToPages(kMax, 4096).has_value());
  EXPECT_FALSE(RoundUpToPages(kMax - 4094, 4096).has_value());
  EXPECT_EQ(RoundUpToPages(kMax - 4095, 4096), kMax - 4095);
}

TEST(PageMathTest, TheOrderIsThatOfTheNextPowerOfTwo) {
  EXPECT_EQ(OrderOfPages(1), 0);
  EXPECT_EQ(OrderOfPages(2), 1);
  EXPECT_EQ(OrderOfPages(3), 2);
  EXPECT_EQ(OrderOfPages(256), 8);
  EXPECT_EQ(OrderOfPages(2187), 12);
  EXPECT_EQ(OrderOfPages(kMax), 62);
}

}  // namespace
}  // namespace dmaheap

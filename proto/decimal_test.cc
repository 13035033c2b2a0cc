#include "proto/decimal.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(DecimalTest, DigitsAreANumber) {
  uint64_t number = 7;
  EXPECT_TRUE(ParseDecimal("18446744073709551615", number));
  EXPECT_EQ(number, 18446744073709551615u);
  EXPECT_TRUE(ParseDecimal("0", number));
  EXPECT_EQ(number, 0u);
}

TEST(DecimalTest, WhatIsRefusedChangesNothing) {
  for (const absl::string_view text : {"", " ", "1 ", " 1", "+1", "-1", "-0", "00", "01", "0x1",
                                       "1e3", "1.0", "1\n", "4294967296", "2147483648"}) {
    int32_t number = 7;
    EXPECT_FALSE(ParseDecimal(text, number)) << text;
    EXPECT_EQ(number, 7) << text;
  }
  uint64_t number = 7;
  EXPECT_FALSE(ParseDecimal(absl::string_view("1\0", 2), number));
  EXPECT_FALSE(ParseDecimal("18446744073709551616", number));
  EXPECT_EQ(number, 7u);
}

}  // namespace
}  // namespace dmaheap

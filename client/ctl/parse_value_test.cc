#include "client/ctl/parse_value.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

TEST(ParseSizeTest, BytesAndUnitsOf1024AreTaken) {
  EXPECT_EQ(*ParseSize("1"), 1);
  EXPECT_EQ(*ParseSize("4096"), 4096);
  EXPECT_EQ(*ParseSize("4k"), 4096);
  EXPECT_EQ(*ParseSize("4K"), 4096);
  EXPECT_EQ(*ParseSize("4Ki"), 4096);
  EXPECT_EQ(*ParseSize("4KiB"), 4096);
  EXPECT_EQ(*ParseSize("4kib"), 4096);
  EXPECT_EQ(*ParseSize("8MiB"), 8 << 20);
  EXPECT_EQ(*ParseSize("1G"), int64_t{1} << 30);
  EXPECT_EQ(*ParseSize("2T"), int64_t{2} << 40);
  EXPECT_EQ(*ParseSize("12B"), 12);
}

TEST(ParseSizeTest, FractionsThatAreWholeBytesAreTaken) {
  EXPECT_EQ(*ParseSize("1.5G"), int64_t{3} << 29);
  EXPECT_EQ(*ParseSize("0.5k"), 512);
}

TEST(ParseSizeTest, TheLargestInt64IsTakenAndOneMoreIsRefused) {
  EXPECT_EQ(*ParseSize("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(ParseSize("9223372036854775808").ok());
  EXPECT_FALSE(ParseSize("8388608T").ok());
  EXPECT_EQ(*ParseSize("8388607T"), int64_t{8388607} << 40);
  EXPECT_FALSE(ParseSize("18446744073709551615T").ok());
  EXPECT_FALSE(ParseSize("99999999999999999999").ok());
}

TEST(ParseSizeTest, EverythingElseIsRefused) {
  for (const char* text :
       {"",      "k",   "-1",  "+1",      "0",   "0M",   "4 k", "4kb", "4KB", "4x",
        "1..5k", "1.k", ".5k", "0.0001k", "1.5", "0x10", "1e3", "4k ", " 4k", "1.0000000001k"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << '"' << text << '"';
  }
}

TEST(ParseSizeTest, TheRefusalNamesTheValueAndTheRemedy) {
  EXPECT_EQ(
      ParseSize("4kb").status().message(),
      "size \"4kb\" has an unknown unit; write bytes, or a number with k, M, G or T (units of "
      "1024) such as 4096, 4k, 4KiB, 1.5G");
}

TEST(ParseDurationTest, UnitsAndBareSecondsAreTaken) {
  EXPECT_EQ(*ParseDuration("5s"), absl::Seconds(5));
  EXPECT_EQ(*ParseDuration("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseDuration("1m30s"), absl::Seconds(90));
  EXPECT_EQ(*ParseDuration("5"), absl::Seconds(5));
  EXPECT_EQ(*ParseDuration("0.5"), absl::Milliseconds(500));
}

TEST(ParseDurationTest, EverythingElseIsRefused) {
  for (const char* text :
       {"", "0", "0s", "-1s", "5 s", "5x", "inf", "s", "1.2.3", "99999999999999h"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace dmaheap::ctl

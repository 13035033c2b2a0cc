#include "tests/bench/guest/area_attempts.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

// As the kernel writes it (6.12).
constexpr char kTrace[] =
    "# tracer: nop\n"
    "   heap-64      [000] .....    10.000000: cma_alloc_finish: name=reserved pfn=0x1c000 "
    "page=0000000000000000 count=256 align=8 errorno=0\n"
    "   heap: x] -64      [000] .....    10.003000: cma_alloc_start: name=reserved count=15360 "
    "align=8\n"
    "   heap-64      [000] .....    10.004000: cma_alloc_busy_retry: name=reserved pfn=0x1c000 "
    "page=00000000315fe81c count=15360 align=8\n"
    "   heap-64      [000] .....    10.015000: cma_alloc_finish: name=reserved pfn=0x1c000 "
    "page=0000000000000000 count=15360 align=8 errorno=-16\n"
    "   heap-64      [000] .....    11.000000: cma_alloc_start: name=reserved count=256 align=8\n"
    "   heap-64      [000] .....    11.000500: cma_alloc_finish: name=reserved pfn=0x1c000 "
    "page=00000000315fe81c count=256 align=8 errorno=0\n"
    "   heap-64      [000] .....    12.000000: cma_alloc_start: name=reserved count=256 align=8\n";

TEST(AreaAttemptsTest, AreWhatBeganAndEndedInTheTrace) {
  const auto attempts = ParseAreaAttempts(kTrace);
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(attempts[0].pages, 15360);
  EXPECT_NEAR(attempts[0].ms, 12, 1e-6);
  EXPECT_FALSE(attempts[0].success);
  EXPECT_EQ(attempts[1].pages, 256);
  EXPECT_NEAR(attempts[1].ms, 0.5, 1e-6);
  EXPECT_TRUE(attempts[1].success);
}

TEST(AreaAttemptsTest, OfNothingAreNone) { EXPECT_TRUE(ParseAreaAttempts("").empty()); }

}  // namespace
}  // namespace dmaheap::bench

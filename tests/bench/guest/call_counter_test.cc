#include "tests/bench/guest/call_counter.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(CallCounterTest, CountsByNumber) {
  constexpr char kTrace[] =
      "# tracer: nop\n"
      "#\n"
      " dmaheapd-broker-90      [001] .....     4.088399: sys_enter: NR 232 (3, 7ffc0, 40, 0, 0, "
      "0)\n"
      "          grpc-91      [000] .....     4.088499: sys_enter: NR 47 (9, 7ffc0, 40, 0, 0, 0)\n"
      " dmaheapd-broker-90      [001] .....     4.088599: sys_enter: NR 232 (3, 7ffc0, 40, 0, 0, "
      "0)\n"
      " dmaheapd-broker-90      [001] .....     4.088699: sys_exit: NR 232 = 0\n"
      "garbage\n";

  EXPECT_EQ(CountCalls(kTrace), (CallCounts{{47, 1}, {232, 2}}));
  EXPECT_TRUE(CountCalls("").empty());
}

}  // namespace
}  // namespace dmaheap::bench

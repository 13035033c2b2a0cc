#include "tests/bench/guest/trace_instance.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

// As the kernel writes it (6.12).
constexpr char kStats[] =
    "entries: 226143\noverrun: 0\ncommit overrun: 0\nbytes: 13547200\n"
    "oldest event ts:     5.050826\nnow ts:    11.520311\ndropped events: 0\nread events: 0\n";

TEST(TraceInstanceTest, NothingIsLostWhereTheKernelCountsNothing) {
  EXPECT_EQ(LostEvents(kStats), 0);
  EXPECT_EQ(LostEvents(""), 0);
}

TEST(TraceInstanceTest, EveryKindOfLossCounts) {
  EXPECT_EQ(LostEvents("entries: 9\noverrun: 5\ncommit overrun: 20\ndropped events: 300\n"), 325);
}

}  // namespace
}  // namespace dmaheap::bench

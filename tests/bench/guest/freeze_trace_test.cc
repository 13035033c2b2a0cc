#include "tests/bench/guest/freeze_trace.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

// As the kernel writes it (6.12).
constexpr char kHeader[] =
    "# tracer: nop\n"
    "#\n"
    "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n";
constexpr char kFreeze[] =
    " dmaheapd-59      [001] d....    10.000000: cgroup_freeze: root=0 id=2 level=1 path=/storm\n";
constexpr char kStart[] =
    "   heap: x] -64      [000] .....    10.003000: cma_alloc_start: name=reserved count=16384 "
    "align=8\n";
constexpr char kBusy[] =
    "   heap-64      [000] .....    10.004000: cma_alloc_busy_retry: name=reserved pfn=0x1c000 "
    "page=00000000315fe81c count=16384 align=8\n";
constexpr char kGot[] =
    "   heap-64      [000] .....    10.015000: cma_alloc_finish: name=reserved pfn=0x1c000 "
    "page=00000000315fe81c count=16384 align=8 errorno=0\n";
constexpr char kFailed[] =
    "   heap-64      [000] .....    10.015000: cma_alloc_finish: name=reserved pfn=0x1c000 "
    "page=0000000000000000 count=16384 align=8 errorno=-16\n";
constexpr char kThaw[] =
    " dmaheapd-59      [001] d....    10.020000: cgroup_unfreeze: root=0 id=2 level=1 "
    "path=/storm\n";
constexpr char kOther[] =
    " sh-59      [001] d....    10.010000: cgroup_unfreeze: root=0 id=3 level=1 path=/storm2\n";

std::vector<TracedFreeze> Parse(std::initializer_list<const char*> lines) {
  std::string text = kHeader;
  for (const char* line : lines) text += line;
  return ParseFreezeTrace(text, "/storm");
}

TEST(FreezeTraceTest, AnAllocationThatSucceedsBehindItIsCured) {
  const auto freezes = Parse({kFreeze, kStart, kBusy, kOther, kGot, kThaw});
  ASSERT_EQ(freezes.size(), 1u);
  EXPECT_EQ(freezes[0].seconds, 10);
  EXPECT_NEAR(freezes[0].freeze.ms, 20, 1e-6);
  EXPECT_TRUE(freezes[0].freeze.cured);
}

TEST(FreezeTraceTest, OneThatFailsIsNot) {
  const auto freezes = Parse({kFreeze, kStart, kBusy, kFailed, kThaw});
  ASSERT_EQ(freezes.size(), 1u);
  EXPECT_FALSE(freezes[0].freeze.cured);
}

TEST(FreezeTraceTest, TheEndMayComeAfterTheThaw) {
  EXPECT_TRUE(Parse({kFreeze, kStart, kThaw, kGot})[0].freeze.cured);
  EXPECT_FALSE(Parse({kFreeze, kStart, kThaw, kFailed})[0].freeze.cured);
}

TEST(FreezeTraceTest, OneThatBeganBeforeProvesNothing) {
  EXPECT_FALSE(Parse({kStart, kFreeze, kGot, kThaw})[0].freeze.cured);
  EXPECT_FALSE(Parse({kFreeze, kThaw, kStart, kGot})[0].freeze.cured);
}

TEST(FreezeTraceTest, AFreezeWithoutAnEndIsLeftOut) {
  EXPECT_TRUE(Parse({kFreeze, kStart}).empty());
  EXPECT_TRUE(Parse({kThaw}).empty());
  EXPECT_TRUE(Parse({}).empty());
}

}  // namespace
}  // namespace dmaheap::bench

#include "tests/policy_lab/made_up_traces.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

TEST(MadeUpTracesTest, AStormIsTheSameForTheSameSeed) {
  Storm storm = ForkStorm();
  const PinTrace one = MakeStorm(storm);
  EXPECT_EQ(MakeStorm(storm).pins, one.pins);
  storm.seed = 2;
  EXPECT_NE(MakeStorm(storm).pins, one.pins);
}

TEST(MadeUpTracesTest, AStormHasSoManyPagesForSoLongSoOften) {
  Storm storm;
  storm.unmappings_per_second = 50;
  storm.pages_per_unmapping = 3;
  storm.mean_lifetime = absl::Milliseconds(20);
  storm.pages_stay = true;
  const PinTrace trace = MakeStorm(storm);
  EXPECT_NEAR(static_cast<double>(trace.pins.size()), 50 * 60 * 3, 500);
  absl::Duration sum;
  for (const Pin& pin : trace.pins) sum += pin.duration;
  EXPECT_NEAR(absl::ToDoubleMilliseconds(sum) / static_cast<double>(trace.pins.size()), 20, 2);
  EXPECT_TRUE(
      std::all_of(trace.pins.begin(), trace.pins.end(), [](const Pin& pin) { return pin.stays; }));
  EXPECT_EQ(trace.pins[0].start, trace.pins[2].start);
  EXPECT_NE(trace.pins[0].start, trace.pins[3].start);
}

TEST(MadeUpTracesTest, EachCanBeWrittenAndRead) {
  for (const PinTrace& trace :
       {MakeStorm(ForkStorm()), MakeStorm(ExitStorm()), MakeMixedTrace(1)}) {
    const auto read = ReadTrace(WriteTrace(trace));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->pins.size(), trace.pins.size());
    EXPECT_EQ(read->attempt_times, trace.attempt_times);
  }
}

}  // namespace
}  // namespace dmaheap::policy_lab

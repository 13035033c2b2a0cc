#include "tests/policy_lab/pin_trace.h"

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

TEST(PinTraceTest, WhatIsWrittenIsReadBack) {
  PinTrace trace;
  trace.area_pages = 100;
  trace.pins = {{absl::ZeroDuration(), absl::Milliseconds(2), 3},
                {absl::Microseconds(7), absl::Seconds(5), 99}};

  const auto read = ReadTrace(WriteTrace(trace));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->area_pages, 100);
  EXPECT_EQ(read->pins, trace.pins);
}

TEST(PinTraceTest, CommentsAndEmptyLinesMeanNothing) {
  const auto read = ReadTrace("# a trace\n\narea_pages 4\n  # of one pin\n1\t2 3\r\n");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->pins.size(), 1u);
}

TEST(PinTraceTest, AWrongLineIsNamed) {
  struct Row {
    const char* text;
    const char* problem;
  };
  for (const Row& row : {
           Row{"", "line 1: there is no `area_pages N`"},
           Row{"1 2 3\n", "line 1: expected `area_pages N`"},
           Row{"area_pages 0\n", "line 1: expected `area_pages N`"},
           Row{"area_pages 99999999999999\n", "line 1: expected `area_pages N`"},
           Row{"area_pages 4\n1 2\n", "line 2: expected three numbers"},
           Row{"area_pages 4\n1 2 x\n", "line 2: expected three numbers"},
           Row{"area_pages 4\n-1 2 3\n", "line 2: a time is below 0"},
           Row{"area_pages 4\n1 2 4\n", "line 2: page 4 is not in the area of 4 pages"},
           Row{"area_pages 4\n5 2 1\n4 2 1\n", "line 3: begins before the line above"},
       }) {
    const auto read = ReadTrace(row.text);
    EXPECT_TRUE(absl::IsInvalidArgument(read.status())) << row.text;
    EXPECT_EQ(read.status().message().substr(0, std::string(row.problem).size()), row.problem);
  }
}

TEST(PinTraceTest, AStormIsTheSameForTheSameSeed) {
  Storm storm = ForkStorm();
  EXPECT_EQ(MakeStorm(storm).pins, MakeStorm(storm).pins);
  const PinTrace one = MakeStorm(storm);
  storm.seed = 2;
  EXPECT_NE(MakeStorm(storm).pins, one.pins);
  EXPECT_NEAR(static_cast<double>(one.pins.size()), 511 * 60, 1500);
}

TEST(PinTraceTest, AMixedTraceIsInOrder) {
  EXPECT_TRUE(ReadTrace(WriteTrace(MakeMixedTrace(1))).ok());
}

}  // namespace
}  // namespace dmaheap::policy_lab

#include "tests/policy_lab/pin_trace.h"

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

TEST(PinTraceTest, WhatIsWrittenIsReadBack) {
  PinTrace trace;
  trace.area_pages = 100;
  trace.attempt_times = {absl::Microseconds(7), absl::Seconds(1)};
  trace.pins = {{absl::ZeroDuration(), absl::Milliseconds(2), 3},
                {absl::Microseconds(7), absl::Seconds(5), 99, /*stays=*/true}};

  const auto read = ReadTrace(WriteTrace(trace));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->area_pages, 100);
  EXPECT_EQ(read->attempt_times, trace.attempt_times);
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
           Row{"area_pages 4\n1 2 3 4\n", "line 2: expected three numbers, and perhaps `stays`"},
           Row{"area_pages 4\n1 2 3 stays 4\n", "line 2: expected three numbers"},
           Row{"attempt_us 1\n", "line 1: expected `area_pages N`"},
           Row{"area_pages 4\nattempt_us\n", "line 2: expected one `attempt_us"},
           Row{"area_pages 4\nattempt_us 1\nattempt_us 1\n", "line 3: expected one `attempt_us"},
           Row{"area_pages 4\n1 2 3\nattempt_us 1\n", "line 3: expected one `attempt_us"},
           Row{"area_pages 4\nattempt_us 1 -1\n", "line 2: attempt_us has -1"},
           Row{"area_pages 4\nattempt_us x\n", "line 2: attempt_us has x"},
           Row{"area_pages 4\n9223372036854775807 2 3\n", "line 2: a time is above"},
           Row{"area_pages 4\n1 9223372036854775807 3\n", "line 2: a time is above"},
           Row{"area_pages 4\n-1 2 3\n", "line 2: a time is below 0"},
           Row{"area_pages 4\n1 2 4\n", "line 2: page 4 is not in the area of 4 pages"},
           Row{"area_pages 4\n5 2 1\n4 2 1\n", "line 3: begins before the line above"},
       }) {
    const auto read = ReadTrace(row.text);
    EXPECT_TRUE(absl::IsInvalidArgument(read.status())) << row.text;
    EXPECT_EQ(read.status().message().substr(0, std::string(row.problem).size()), row.problem);
  }
}

TEST(PinTraceTest, ARepeatedTraceLastsAsLongAsIsAskedFor) {
  PinTrace trace;
  trace.area_pages = 4;
  trace.pins = {{absl::Milliseconds(2), absl::Milliseconds(1), 1},
                {absl::Milliseconds(10), absl::Milliseconds(1), 2}};
  const PinTrace repeated = Repeated(trace, absl::Milliseconds(25));
  ASSERT_EQ(repeated.pins.size(), 6u);
  EXPECT_EQ(repeated.pins[2], (Pin{absl::Milliseconds(12), absl::Milliseconds(1), 1}));
  EXPECT_EQ(repeated.length(), absl::Milliseconds(30));
  EXPECT_TRUE(ReadTrace(WriteTrace(repeated)).ok());
  EXPECT_EQ(Repeated(trace, absl::Milliseconds(10)).pins, trace.pins);
  EXPECT_TRUE(Repeated(PinTrace(), absl::Hours(1)).pins.empty());
}

TEST(PinTraceTest, ACommentGoesBeforeATrace) {
  PinTrace trace;
  trace.area_pages = 4;
  const std::string text = WriteTrace(trace, "area_pages 0\n\nis no line of it");
  EXPECT_EQ(text.find("# area_pages 0\n#\n# is no line of it\narea_pages 4\n"), 0u) << text;
  EXPECT_TRUE(ReadTrace(text).ok());
}

}  // namespace
}  // namespace dmaheap::policy_lab

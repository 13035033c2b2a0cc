#include "tests/policy_lab/recording/recording_text.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

using absl::Milliseconds;

Recording SomeRecording() {
  Recording recording;
  recording.length = Milliseconds(1000);
  recording.unmappings = 3;
  recording.unmapped_pages = 3000;
  recording.references = 2;
  recording.references_left = 1;
  // 300 ms in which a page at least is pinned.
  recording.pins = {{Milliseconds(0), Milliseconds(100), 1, false},
                    {Milliseconds(50), Milliseconds(150), 2, false},
                    {Milliseconds(60), Milliseconds(10), 3, false},
                    {Milliseconds(500), Milliseconds(100), 4, false}};
  for (int i = 100; i >= 1; --i) recording.attempt_times.push_back(Milliseconds(i));
  recording.attempts_failed = 40;
  recording.refusals = 39;
  recording.refusals_explained = 30;
  recording.refusals_explained_late = 5;
  return recording;
}

TEST(RecordingTextTest, ATraceHasThePinsAndTheMiddleOfEachTenthOfTheAttempts) {
  const PinTrace trace = TraceOf(SomeRecording(), 16384);
  EXPECT_EQ(trace.area_pages, 16384);
  EXPECT_EQ(trace.pins, SomeRecording().pins);
  ASSERT_EQ(trace.attempt_times.size(), 10u);
  EXPECT_EQ(trace.attempt_times.front(), Milliseconds(6));
  EXPECT_EQ(trace.attempt_times.back(), Milliseconds(96));
}

TEST(RecordingTextTest, TheCommentSaysHowItCameAboutAndWhatItIsWorth) {
  RecordedOf of;
  of.kind = "fork_storm processes=4";
  of.outcome = "rounds=800";
  of.machine = "Linux 6.12.0 x86_64";
  of.pages_per_unmapping = 4;
  const std::string comment = RecordingComment(of, SomeRecording());
  for (const char* piece :
       {"for 1.0 s on Linux 6.12.0 x86_64, under\nfork_storm processes=4: rounds=800",
        "3 times a process", "3000 in all", "up to 4 are here", "2; 1 were there to the end",
        "p50 100.0", "A page was pinned 30% of the time",
        "40 of 100 attempts at the whole area failed", "Of 39 pages that refused a window 30",
        "and 5 since"}) {
    EXPECT_TRUE(absl::StrContains(comment, piece)) << piece << "\n" << comment;
  }
}

TEST(RecordingTextTest, WhatIsWrittenCanBeRead) {
  const auto read =
      ReadTrace(WriteTrace(TraceOf(SomeRecording(), 16384), RecordingComment({}, SomeRecording())));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->pins, SomeRecording().pins);
  EXPECT_EQ(read->attempt_times.size(), 10u);
}

TEST(RecordingTextTest, NothingRecordedIsStillATrace) {
  Recording nothing;
  nothing.length = Milliseconds(1000);
  EXPECT_TRUE(ReadTrace(WriteTrace(TraceOf(nothing, 16), RecordingComment({}, nothing))).ok());
}

}  // namespace
}  // namespace dmaheap::policy_lab

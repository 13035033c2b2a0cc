// In the guest: what record_pins writes down is what the kernel itself says was in the way of its
// allocations.

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "tests/policy_lab/pin_trace.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap::policy_lab {
namespace {

struct Recorded {
  std::string text;
  PinTrace trace;
};

Recorded Record(const std::string& kind, const std::string& seconds) {
  const std::string path = "/out/" + kind + ".trace";
  GuestProcess recorder({"record_pins", kind, "--seconds", seconds, "--out", path}, /*uid=*/0);
  EXPECT_EQ(recorder.Wait(), 0) << recorder.error();
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const auto trace = ReadTrace(text.str());
  EXPECT_TRUE(trace.ok()) << trace.status();
  return {text.str(), trace.ok() ? *trace : PinTrace()};
}

// The number before that text; -1 if there is none.
int NumberBefore(const std::string& text, const std::string& what) {
  const size_t end = text.find(what);
  if (end == std::string::npos) return -1;
  const size_t begin = text.find_last_not_of("0123456789", end - 1) + 1;
  int number = -1;
  EXPECT_TRUE(absl::SimpleAtoi(absl::string_view(text).substr(begin, end - begin), &number));
  return number;
}

class RecordingTest : public FdLeakCheck {};

TEST_F(RecordingTest, EveryPageThatRefusesAWindowUnderALongPinIsRecordedForAsLong) {
  const Recorded recorded = Record("vmsplice_pin", "1");

  ASSERT_EQ(recorded.trace.pins.size(), 64u) << recorded.text;
  for (const Pin& pin : recorded.trace.pins) {
    EXPECT_EQ(pin.start, absl::ZeroDuration());
    EXPECT_GE(pin.duration, absl::Seconds(1));
    EXPECT_TRUE(pin.stays);
  }
  const int refusals = NumberBefore(recorded.text, " pages that refused");
  EXPECT_GT(refusals, 0) << recorded.text;
  EXPECT_EQ(NumberBefore(recorded.text, " were pinned"), refusals) << recorded.text;
}

TEST_F(RecordingTest, UnderForksMostRefusalsAreExplainedAndPagesStay) {
  const Recorded recorded = Record("fork_storm", "4");

  const int refusals = NumberBefore(recorded.text, " pages that refused");
  EXPECT_GT(refusals, 3) << recorded.text;
  const int explained = NumberBefore(recorded.text, " were pinned") +
                        NumberBefore(recorded.text, " since the attempt had begun");
  EXPECT_GE(explained * 2, refusals) << recorded.text;
  EXPECT_EQ(recorded.trace.attempt_times.size(), 10u);
  size_t stay = 0;
  for (const Pin& pin : recorded.trace.pins) stay += pin.stays ? 1 : 0;
  EXPECT_GT(recorded.trace.pins.size(), 50u);
  EXPECT_GT(stay * 2, recorded.trace.pins.size()) << recorded.text;
}

TEST_F(RecordingTest, LostEventsMakeNoTraceAndNothingOfTheRecorderIsLeftInTheTracer) {
  GuestProcess recorder(
      {"record_pins", "exit_storm", "--buffer-mib", "1", "--seconds", "3", "--out", "/out/none"},
      /*uid=*/0);
  EXPECT_EQ(recorder.Wait(), 1);
  EXPECT_NE(recorder.error().find("events, so the record is void"), std::string::npos)
      << recorder.error();
  EXPECT_FALSE(std::ifstream("/out/none").is_open());
  std::ifstream probes("/sys/kernel/tracing/kprobe_events");
  std::string line;
  EXPECT_FALSE(std::getline(probes, line)) << line;
}

}  // namespace
}  // namespace dmaheap::policy_lab

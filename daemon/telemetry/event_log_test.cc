#include "daemon/telemetry/event_log.h"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

class EventLogTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = spdlog::default_logger();
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    logger->set_pattern("%l %v");
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(logger);
  }
  void TearDown() override { spdlog::set_default_logger(before_); }

  static AllocationEvent Event(absl::Status outcome = absl::OkStatus()) {
    AllocationEvent event;
    event.outcome = std::move(outcome);
    event.request_id = "id";
    event.heap = "reserved";
    event.uid = 1000;
    event.size_bytes = 4096;
    event.count = 2;
    event.attempts = 3;
    event.duration = absl::Milliseconds(1);
    return event;
  }
  static absl::Status Failure(ErrorReason reason = ErrorReason::HEAP_EXHAUSTED) {
    return Error(reason, "full");
  }
  // What was written since the last call.
  std::vector<std::string> Lines() {
    spdlog::default_logger()->flush();
    std::vector<std::string> lines = absl::StrSplit(text_.str(), '\n', absl::SkipEmpty());
    text_.str("");
    return lines;
  }

  VirtualExecutor executor_;
  EventLog log_{executor_};
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(EventLogTest, ASuccessIsOneDebugLineWithEveryNumber) {
  log_.OnAllocation(Event());
  EXPECT_EQ(Lines(),
            (std::vector<std::string>{"debug event=allocated request_id=id heap=reserved uid=1000 "
                                      "size_bytes=4096 count=2 attempts=3 duration_us=1000"}));
}

TEST_F(EventLogTest, AFailureNamesItsReason) {
  log_.OnAllocation(Event(Failure()));
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].substr(0, 31), "warning event=allocation_failed") << lines[0];
  EXPECT_NE(lines[0].find("reason=HEAP_EXHAUSTED diagnosis=- verdict=- suppressed=0"),
            std::string::npos)
      << lines[0];
}

TEST_F(EventLogTest, AFailureNamesItsDiagnosis) {
  log_.OnAllocation(Event(Error(ErrorReason::HEAP_EXHAUSTED, "full")
                              .With("diagnosis", "diagnoses/7")
                              .With("verdict", "EXHAUSTED")));
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(" diagnosis=diagnoses/7 verdict=EXHAUSTED "), std::string::npos)
      << lines[0];
}

TEST_F(EventLogTest, WhatACallerDidIsNoWarning) {
  for (const ErrorReason reason : {ErrorReason::REQUEST_CANCELLED, ErrorReason::INVALID_SIZE,
                                   ErrorReason::ACCESS_DENIED, ErrorReason::HEAP_NOT_FOUND}) {
    log_.OnAllocation(Event(Failure(reason)));
  }
  for (const std::string& line : Lines()) EXPECT_EQ(line.substr(0, 5), "info ") << line;
}

TEST_F(EventLogTest, FailuresAreWrittenUpToARateAndTheRestIsCounted) {
  for (int i = 0; i < 1000; ++i) log_.OnAllocation(Event(Failure()));
  EXPECT_EQ(Lines().size(), 20u);
  EXPECT_EQ(log_.suppressed(), 980);

  executor_.Advance(absl::Seconds(1));
  for (int i = 0; i < 10; ++i) log_.OnAllocation(Event(Failure()));
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("suppressed=980"), std::string::npos) << lines[0];
  EXPECT_EQ(log_.suppressed(), 9);
}

TEST_F(EventLogTest, AQuietTimeGivesTheBurstBackAndNoMore) {
  for (int i = 0; i < 30; ++i) log_.OnAllocation(Event(Failure()));
  Lines();
  executor_.Advance(absl::Hours(100));
  for (int i = 0; i < 100; ++i) log_.OnAllocation(Event(Failure()));
  EXPECT_EQ(Lines().size(), 20u);
}

TEST_F(EventLogTest, FailuresThatComeFastStillGetTheirLineASecond) {
  for (int i = 0; i < 20; ++i) log_.OnAllocation(Event(Failure()));
  Lines();
  for (int i = 0; i < 10000; ++i) {
    executor_.Advance(absl::Milliseconds(1));
    log_.OnAllocation(Event(Failure()));
  }
  const size_t lines = Lines().size();
  EXPECT_GE(lines, 9u);
  EXPECT_LE(lines, 10u);
}

TEST_F(EventLogTest, SuccessesCostNothingOfTheRate) {
  for (int i = 0; i < 100; ++i) log_.OnAllocation(Event());
  Lines();
  log_.OnAllocation(Event(Failure()));
  EXPECT_EQ(Lines().size(), 1u);
}

TEST_F(EventLogTest, ACallersTextCanNotEndALineNorForgeAKey) {
  AllocationEvent event = Event(absl::UnavailableError("a\nb reason=OTHER"));
  event.request_id = "x\nerror event=forged";
  event.heap = "h uid=0";
  log_.OnAllocation(event);
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find(" event=forged\n"), std::string::npos);
  EXPECT_NE(lines[0].find("request_id=\""), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("heap=\"h uid=0\""), std::string::npos) << lines[0];
}

}  // namespace
}  // namespace dmaheap

#include "daemon/diagnosis/failure_log.h"

#include <cerrno>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr pid_t kThread = 90;

absl::Time At(int milliseconds) {
  return absl::UnixEpoch() + absl::Seconds(1000) + absl::Milliseconds(milliseconds);
}

// A request of 2187 pages whose first and only attempt began at 0.
FailedAttempts One() {
  return {.area = "reserved",
          .pages = 2187,
          .count = 1,
          .first_began = At(0),
          .last_began = At(0),
          .thread = kThread};
}

LoggedFailure Line(int latest, int error_number = ENOMEM) {
  return {.area = "reserved", .pages = 2187, .error_number = error_number, .latest = At(latest)};
}

FailureLog Log(std::vector<LoggedFailure> failures) {
  return {.failures = std::move(failures), .whole_since = At(-60'000)};
}

TEST(FailureLogTest, TheOnlyOneOfThatAreaAndSizeIsTheRequests) {
  LoggedFailure other_area = Line(4);
  other_area.area = "camera";
  LoggedFailure other_size = Line(5);
  other_size.pages = 2188;
  const FailureLog log = Log({Line(-1), other_area, Line(3, EBUSY), other_size});

  const LoggedFailure* const found = FindLast(log, One());

  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->error_number, EBUSY);
}

TEST(FailureLogTest, OneOfTwoThatMayBeItIsNotGuessed) {
  EXPECT_EQ(FindLast(Log({Line(3), Line(4)}), One()), nullptr);
}

TEST(FailureLogTest, WhatWasWrittenBeforeIsAnothers) {
  EXPECT_EQ(FindLast(Log({Line(-1)}), One()), nullptr);
  EXPECT_EQ(FindLast(Log({}), One()), nullptr);
}

TEST(FailureLogTest, WhereTheKernelTellsWhoMadeItThatDecides) {
  LoggedFailure others = Line(3);
  others.thread = kThread + 1;
  LoggedFailure own = Line(4, EBUSY);
  own.thread = kThread;

  EXPECT_EQ(FindLast(Log({others}), One()), nullptr);
  const FailureLog both = Log({others, own});
  EXPECT_EQ(FindLast(both, One()), &both.failures[1]);
}

TEST(FailureLogTest, AKernelThatDoesNotNameTheAreaTellsNothing) {
  LoggedFailure nameless = Line(3);
  nameless.area = "";

  EXPECT_EQ(FindLast(Log({nameless}), One()), nullptr);
  FailedAttempts of_none = One();
  of_none.area = "";
  EXPECT_EQ(FindLast(Log({nameless}), of_none), nullptr);
}

TEST(FailureLogTest, WhereTheKernelMayHaveLeftOneOutTheOnlyOneMayBeAnothers) {
  std::vector<LoggedFailure> lines;
  for (int i = 0; i < 9; ++i) {
    LoggedFailure other = Line(-4'900);
    other.area = "camera";
    lines.push_back(other);
  }
  lines.push_back(Line(3));

  EXPECT_EQ(FindLast(Log(lines), One()), nullptr) << "the tenth may have been the last";
  lines.erase(lines.begin());
  EXPECT_NE(FindLast(Log(lines), One()), nullptr);
}

TEST(FailureLogTest, LinesOfLongAgoLeaveRoomForOthers) {
  std::vector<LoggedFailure> lines(20, Line(-6'001));
  lines.push_back(Line(3));

  EXPECT_NE(FindLast(Log(lines), One()), nullptr);
}

TEST(FailureLogTest, ALogThatIsNotWholeProvesNothing) {
  FailureLog log = Log({Line(3)});
  log.whole_since = At(-5'999);

  EXPECT_EQ(FindLast(log, One()), nullptr);
}

TEST(FailureLogTest, ALineOfTheAttemptRightBeforeIsToldFromTheLastByTheirNumber) {
  FailedAttempts two = One();
  two.count = 2;
  two.last_began = At(5);
  // By the clock, either may be of the last.
  const FailureLog log = Log({Line(6, EBUSY), Line(9, ENOMEM)});

  EXPECT_EQ(FindLast(log, two), &log.failures[1]);
  two.count = 3;
  EXPECT_EQ(FindLast(log, two), nullptr) << "one of its own is not there";
  two.count = 1;
  EXPECT_EQ(FindLast(log, two), nullptr) << "one of them is another's";
}

}  // namespace
}  // namespace dmaheap

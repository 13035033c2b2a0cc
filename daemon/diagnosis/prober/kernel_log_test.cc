#include "daemon/diagnosis/prober/kernel_log.h"

#include <cerrno>
#include <deque>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// From the field.
constexpr char kFieldFailure[] =
    "cma: cma_alloc: reserved: alloc failed, req-size: 2187 pages, ret: -12";
constexpr char kFieldList[] =
    "cma: number of available pages: 24@264+96@416+117@2955+117@5259+117@7563+117@9867+117@12171+"
    "117@14475+6@14714+6@14842+6@14970+6@15098+6@15226+6@15354+39@16089+39@16857+39@17625+39@18393+"
    "39@19161+39@19929+117@22155+117@24459+117@26763+117@29067+1397@31371=> 2957 free of 32768 "
    "total pages";

// The log's clock is an hour ahead of the monotonic one.
class KernelLogTest : public ::testing::Test {
 protected:
  static absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

  void Write(const std::string& text, double seconds) {
    const auto microseconds = static_cast<int64_t>((seconds + 3600) * 1e6);
    log_.emplace_back(absl::StrCat("3,", sequence_++, ",", microseconds, ",-;", text, "\n"));
  }
  ProberReply Read(double seconds) {
    now_ = At(seconds);
    return kernel_log_.Answer(TimeBox(absl::InfiniteDuration()));
  }
  static double Seconds(int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

  // Records, and errors in their place.
  std::deque<std::variant<std::string, int>> log_;
  uint64_t sequence_ = 100;
  absl::Time now_;
  KernelLog kernel_log_{[this](char* bytes, size_t size) -> ssize_t {
                          if (log_.empty()) return -EAGAIN;
                          const auto next = log_.front();
                          log_.pop_front();
                          if (const int* error = std::get_if<int>(&next)) return -*error;
                          const std::string& record = std::get<std::string>(next);
                          EXPECT_LE(record.size(), size);
                          return static_cast<ssize_t>(record.copy(bytes, size));
                        },
                        [this] { return now_; }};
};

TEST_F(KernelLogTest, TheFailureFromTheFieldComesWithItsFreeList) {
  Write("usb 1-1: new device", 9);
  Write(kFieldFailure, 99.998);
  Write(kFieldList, 99.999);

  const ProberReply reply = Read(100);

  EXPECT_EQ(reply.error_number, 0);
  EXPECT_EQ(reply.flags, 0u);
  ASSERT_EQ(reply.logged_failures.size(), 1u);
  const LoggedFailureRecord& failure = reply.logged_failures[0];
  EXPECT_STREQ(failure.area, "reserved");
  EXPECT_EQ(failure.pages, 2187u);
  EXPECT_EQ(failure.error_number, ENOMEM);
  EXPECT_EQ(failure.total_pages, 32768u);
  EXPECT_EQ(failure.runs, 25u);
  ASSERT_EQ(reply.runs.size(), 25u);
  EXPECT_EQ(reply.runs[24].first, 31371u);
  EXPECT_EQ(reply.runs[24].pages, 1397u);
  // A millisecond lies between its list and the reading, and a tick is added.
  EXPECT_GE(Seconds(failure.latest_microseconds), 99.998);
  EXPECT_LE(Seconds(failure.latest_microseconds), 100.0001);
}

TEST_F(KernelLogTest, WhatWasReadLongAfterItWasWrittenMayBeAsNewAsTheReading) {
  Write(kFieldFailure, 50);

  EXPECT_NEAR(Seconds(Read(100).logged_failures.at(0).latest_microseconds), 100, 0.001);
}

TEST_F(KernelLogTest, WhatWasReadBeforeIsNoNewerThanThat) {
  Write("anything", 50);
  Write(kFieldFailure, 50);
  Read(60);

  EXPECT_NEAR(Seconds(Read(1000).logged_failures.at(0).latest_microseconds), 60, 0.001);
}

TEST_F(KernelLogTest, AReadingThatWasQuickDatesWhatIsReadLater) {
  Write("anything", 60);
  Read(60);
  Write(kFieldFailure, 70);

  const double latest = Seconds(Read(100).logged_failures.at(0).latest_microseconds);

  // 500 ppm of 40 s, and a tick.
  EXPECT_NEAR(latest, 70.03, 0.001);
}

TEST_F(KernelLogTest, ItIsWholeFromTheFirstRecordOn) {
  EXPECT_NEAR(Seconds(Read(5).logs.at(0).whole_since_microseconds), 5, 0.001);
  Write("anything", 10);
  Write("anything", 20);
  EXPECT_NEAR(Seconds(Read(20).logs.at(0).whole_since_microseconds), 5, 0.001);
}

TEST_F(KernelLogTest, AfterRecordsThatWereOverwrittenItIsWholeAgainFromThere) {
  Write(kFieldFailure, 10);
  Read(10);
  log_.emplace_back(EPIPE);
  sequence_ += 1000;
  Write(kFieldList, 19);
  Write("anything", 20);

  const ProberReply reply = Read(20);

  EXPECT_EQ(reply.error_number, 0);
  EXPECT_NEAR(Seconds(reply.logs.at(0).whole_since_microseconds), 19.01, 0.01);
  ASSERT_EQ(reply.logged_failures.size(), 1u);
  EXPECT_EQ(reply.logged_failures[0].total_pages, 0u) << "the list of one that was overwritten";
}

TEST_F(KernelLogTest, AHoleInTheNumbersIsAGapToo) {
  Write("anything", 10);
  Read(10);
  ++sequence_;
  Write("anything", 20);

  EXPECT_NEAR(Seconds(Read(20).logs.at(0).whole_since_microseconds), 20, 0.001);
}

TEST_F(KernelLogTest, WhatIsNoRecordMayHaveBeenAFailure) {
  Write("anything", 10);
  Read(10);
  log_.emplace_back("garbage");
  Write("anything", 20);

  EXPECT_NEAR(Seconds(Read(20).logs.at(0).whole_since_microseconds), 20, 0.001);
}

TEST_F(KernelLogTest, AnInterruptedReadingGoesOn) {
  log_.emplace_back(EINTR);
  Write(kFieldFailure, 10);

  EXPECT_EQ(Read(10).logged_failures.size(), 1u);
}

TEST_F(KernelLogTest, MoreThanOneAnswerReadsIsMarkedAndReadWithTheNext) {
  for (int i = 0; i < KernelLog::kMostRecords; ++i) Write("noise", 10);
  Write(kFieldFailure, 10);

  EXPECT_EQ(Read(10).flags, kProberLogPartial);
  const ProberReply next = Read(11);
  EXPECT_EQ(next.flags, 0u);
  EXPECT_EQ(next.logged_failures.size(), 1u);
}

TEST_F(KernelLogTest, NothingIsReadAfterTheEndOfTheTimeBox) {
  Write(kFieldFailure, 10);
  now_ = At(10);
  const TimeBox ended(absl::ZeroDuration(), [this] { return now_; });

  EXPECT_EQ(kernel_log_.Answer(ended).flags, kProberLogPartial);
  EXPECT_EQ(log_.size(), 1u);
}

TEST_F(KernelLogTest, ALogThatFailsIsReadNoMore) {
  log_.emplace_back(EIO);
  Write(kFieldFailure, 10);

  EXPECT_EQ(Read(10).error_number, EIO);
  EXPECT_EQ(Read(11).error_number, EIO);
  EXPECT_EQ(log_.size(), 1u);
}

TEST(KernelLogFileTest, WhereThereIsNoneOrItMayNotBeReadTheErrnoIsTold) {
  KernelLog none("/nonexistent/kmsg");
  EXPECT_EQ(none.Read(TimeBox(absl::InfiniteDuration())), ENOENT);
  EXPECT_EQ(none.Answer(TimeBox(absl::InfiniteDuration())).error_number, ENOENT);
  KernelLog folder("/");
  EXPECT_EQ(folder.Read(TimeBox(absl::InfiniteDuration())), EISDIR);
  KernelLog empty("/dev/null");
  EXPECT_EQ(empty.Read(TimeBox(absl::InfiniteDuration())), ENODATA);
}

}  // namespace
}  // namespace dmaheap

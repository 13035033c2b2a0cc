#include "daemon/diagnosis/prober/page_tracer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr uint64_t kFrame = 0x1cc00;

// Pipes in the place of the kernel's files.
class PageTracerTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    MakePipe(trace_);
    MakePipe(filter_);
    MakePipe(enable_);
    tracer_ = PageTracer(
        {.pipe = trace_[0].get(), .filter = filter_[1].get(), .enable = enable_[1].get()});
  }
  void TearDown() override {
    for (UniqueFd* ends : {trace_, filter_, enable_}) {
      ends[0].Reset();
      ends[1].Reset();
    }
    FdLeakCheck::TearDown();
  }
  static void MakePipe(UniqueFd (&ends)[2]) {
    int fds[2];
    ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ends[0].Reset(fds[0]);
    ends[1].Reset(fds[1]);
  }

  void Say(const std::string& line) {
    const std::string text = line + "\n";
    ASSERT_EQ(write(trace_[1].get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Refuse(int thread = 90, uint64_t frame = kFrame) {
    Say(
        absl::StrFormat("   heap-reserved-%d      [001] .....     4.088399: test_pages_isolated: "
                        "start_pfn=0x1c000 end_pfn=0x1fc00 fin_pfn=0x%x ret=fail",
                        thread, frame));
  }
  void Drop(int references, int mappings, uint64_t frame = kFrame, int thread = 7) {
    Say(
        absl::StrFormat("     sh-%d      [001] .....     4.230956: page_ref_mod_and_test: pfn=0x%x "
                        "flags=none count=%d mapcount=%d mapping=0 mt=1 val=-1 ret=0",
                        thread, frame, references, mappings - 1));
  }
  void Finish(int thread, int error_number) {
    Say(
        absl::StrFormat("   heap-reserved-%d      [001] .....     4.088399: cma_alloc_finish: "
                        "name=reserved pfn=0x0 page=0 count=15360 align=8 errorno=%d",
                        thread, -error_number));
  }
  static std::string Written(const UniqueFd& fd) {
    char bytes[256];
    const ssize_t length = read(fd.get(), bytes, sizeof(bytes));
    return length <= 0 ? "" : std::string(bytes, static_cast<size_t>(length));
  }

  // Two attempts in a row that the same page refused.
  void WatchFrame() {
    Refuse();
    tracer_.Watch(1, "90 0");
    Refuse();
    tracer_.Watch(2, "90 1");
    tracer_.Settle();
  }

  UniqueFd trace_[2];
  UniqueFd filter_[2];
  UniqueFd enable_[2];
  PageTracer tracer_;
};

TEST_F(PageTracerTest, TellsThePageThatRefusedTheLastWindowOfThatThread) {
  Refuse(90, 0x100);
  Refuse(91, 0x200);
  Refuse(90, 0x300);

  const ProberReply reply = tracer_.Watch(1, "90 0");

  EXPECT_EQ(reply.error_number, 0);
  ASSERT_EQ(reply.frames.size(), 1u);
  EXPECT_EQ(reply.frames[0].frame, 0x300u);
  EXPECT_EQ(reply.frames[0].present & kFrameWatched, 0u) << "met once";
  tracer_.Settle();
  EXPECT_EQ(Written(filter_[0]), "");
}

TEST_F(PageTracerTest, KnowsOfNoPageWhereTheKernelToldOfNone) {
  Refuse(91);
  EXPECT_EQ(tracer_.Watch(1, "90 0").error_number, ENOENT);

  // Told once: the next attempt may have failed for another reason.
  EXPECT_EQ(tracer_.Watch(2, "91 0").error_number, 0);
  EXPECT_EQ(tracer_.Watch(3, "91 2").error_number, ENOENT);
}

TEST_F(PageTracerTest, WatchesAPageThatRefusedTwoAttemptsInARow) {
  Refuse();
  tracer_.Watch(1, "90 0");
  Refuse();

  const ProberReply reply = tracer_.Watch(2, "90 1");

  ASSERT_EQ(reply.frames.size(), 1u);
  EXPECT_NE(reply.frames[0].present & kFrameWatched, 0u);
  EXPECT_EQ(tracer_.fd(), trace_[0].get());
  EXPECT_EQ(Written(filter_[0]), "") << "the answer goes first";
  tracer_.Settle();
  EXPECT_EQ(Written(filter_[0]), "pfn == 0x1cc00");
  EXPECT_EQ(Written(enable_[0]), "1");
}

TEST_F(PageTracerTest, TheKernelIsToldOnlyWhatItDoesNotKnow) {
  WatchFrame();
  Written(filter_[0]);
  Written(enable_[0]);
  Refuse();

  tracer_.Watch(3, "90 2");
  tracer_.Settle();

  EXPECT_EQ(Written(filter_[0]), "");
  EXPECT_EQ(Written(enable_[0]), "");
}

TEST_F(PageTracerTest, TellsOfARelease) {
  WatchFrame();
  Drop(1, 1);
  EXPECT_EQ(tracer_.TakeReleased(), std::vector<uint64_t>{2});
  EXPECT_TRUE(tracer_.TakeReleased().empty());
}

TEST_F(PageTracerTest, TellsNotOfOtherPages) {
  WatchFrame();
  Drop(1, 1, kFrame + 1);
  EXPECT_TRUE(tracer_.TakeReleased().empty());
}

TEST_F(PageTracerTest, WhatAnAttemptTakesAndGivesBackIsNoRelease) {
  WatchFrame();
  Drop(2, 1);  // by the next attempt
  EXPECT_TRUE(tracer_.TakeReleased().empty());
  Refuse();
  tracer_.Watch(3, "90 2");

  Drop(2, 1);
  EXPECT_TRUE(tracer_.TakeReleased().empty());

  Drop(1, 1);
  EXPECT_EQ(tracer_.TakeReleased(), std::vector<uint64_t>{3});
}

TEST_F(PageTracerTest, AReleaseBetweenTheAttemptAndTheQuestionIsTold) {
  WatchFrame();
  Drop(2, 1);
  Refuse();
  Drop(1, 1);

  tracer_.Watch(3, "90 2");

  const std::vector<uint64_t> released = tracer_.TakeReleased();
  EXPECT_NE(std::find(released.begin(), released.end(), 3u), released.end());
}

TEST_F(PageTracerTest, WatchesSeveralAndForgetsThem) {
  WatchFrame();
  Written(filter_[0]);
  Refuse(91, 0x500);
  tracer_.Watch(3, "91 0");
  Refuse(91, 0x500);
  tracer_.Watch(4, "91 3");
  tracer_.Settle();
  EXPECT_EQ(Written(filter_[0]), "pfn == 0x500 || pfn == 0x1cc00");
  Written(enable_[0]);

  tracer_.Unwatch("2");
  EXPECT_FALSE(tracer_.lingers());
  tracer_.Unwatch("4");
  EXPECT_TRUE(tracer_.lingers());
  EXPECT_EQ(tracer_.fd(), -1);
  tracer_.Rest();

  EXPECT_FALSE(tracer_.lingers());
  EXPECT_EQ(Written(enable_[0]), "0");
  Drop(1, 1);
  EXPECT_TRUE(tracer_.TakeReleased().empty());
}

TEST_F(PageTracerTest, WithoutPageRefEventsTellsThePageButNotItsRelease) {
  tracer_ = PageTracer({.pipe = trace_[0].get(), .filter = -1, .enable = -1});
  Refuse();
  tracer_.Watch(1, "90 0");
  Refuse();

  const ProberReply reply = tracer_.Watch(2, "90 1");

  ASSERT_EQ(reply.frames.size(), 1u);
  EXPECT_EQ(reply.frames[0].frame, kFrame);
  EXPECT_EQ(reply.frames[0].present & kFrameWatched, 0u);
  EXPECT_EQ(tracer_.fd(), -1);
}

TEST_F(PageTracerTest, WhatAnEarlierProberHadWatchedEndsWithItsSuccessor) {
  EXPECT_TRUE(tracer_.lingers());

  tracer_.Rest();

  EXPECT_EQ(Written(enable_[0]), "0");
  EXPECT_FALSE(tracer_.lingers());
}

TEST_F(PageTracerTest, WhereTheKernelTakesNoFilterNothingIsWatchedAnyMore) {
  // Its reading end is writable by nobody.
  tracer_ =
      PageTracer({.pipe = trace_[0].get(), .filter = filter_[0].get(), .enable = enable_[1].get()});
  WatchFrame();
  EXPECT_EQ(tracer_.fd(), -1);
  EXPECT_EQ(Written(enable_[0]), "");
  Refuse();

  EXPECT_EQ(tracer_.Watch(3, "90 2").frames.at(0).present & kFrameWatched, 0u);
}

TEST_F(PageTracerTest, WithoutATraceSaysSo) {
  PageTracer tracer;
  EXPECT_EQ(tracer.Watch(1, "90 0").error_number, ENOTSUP);
  EXPECT_EQ(tracer.fd(), -1);
  EXPECT_TRUE(tracer.TakeReleased().empty());
}

TEST_F(PageTracerTest, RefusesQuestionsThatAreNone) {
  for (const char* question : {"", "90", "x 0", "90 y", "0 0", "-1 0", "90 0 0"}) {
    EXPECT_EQ(tracer_.Watch(1, question).error_number, EINVAL) << question;
  }
  EXPECT_EQ(tracer_.Unwatch("x").error_number, EINVAL);
}

TEST_F(PageTracerTest, ABrokerThatForgetsItsWatchesFillsNothing) {
  for (uint64_t i = 1; i < 1000; ++i) {
    Refuse(static_cast<int>(i));
    EXPECT_EQ(tracer_.Watch(i, absl::StrCat(i, " 0")).error_number, 0);
  }
  // The oldest are forgotten, the newest are known.
  Refuse(999);
  EXPECT_NE(tracer_.Watch(1000, "999 999").frames.at(0).present & kFrameWatched, 0u);
}

TEST_F(PageTracerTest, WatchesOfABrokerThatDiedMakeRoomForThoseOfTheNext) {
  for (int i = 0; i < PageTracer::kMostWatched + 1; ++i) {
    const uint64_t frame = 0x100 + static_cast<uint64_t>(i);
    const uint64_t sequence = 1000 - 2 * static_cast<uint64_t>(i);
    Refuse(90, frame);
    tracer_.Watch(sequence, "90 0");
    Refuse(90, frame);
    tracer_.Watch(sequence + 1, absl::StrCat("90 ", sequence));
  }

  tracer_.Settle();
  const std::string filter = Written(filter_[0]);
  EXPECT_EQ(filter.find("0x100 "), std::string::npos) << filter;
  EXPECT_NE(filter.find("0x108"), std::string::npos) << filter;
}

TEST_F(PageTracerTest, ALineThatComesInPiecesIsALine) {
  WatchFrame();
  const std::string line =
      "     sh-7  [001] ..... 4.2: page_ref_mod_and_test: pfn=0x1cc00 flags=none count=1 "
      "mapcount=0 mapping=0 mt=1 val=-1 ret=0\n";
  ASSERT_EQ(write(trace_[1].get(), line.data(), 40), 40);
  EXPECT_TRUE(tracer_.TakeReleased().empty());
  ASSERT_EQ(write(trace_[1].get(), line.data() + 40, line.size() - 40),
            static_cast<ssize_t>(line.size() - 40));

  EXPECT_EQ(tracer_.TakeReleased(), std::vector<uint64_t>{2});
}

TEST_F(PageTracerTest, ATouchTellsWhatIsLeftOfTheReferences) {
  WatchFrame();
  Drop(4, 1, kFrame, gettid());  // of an earlier one, which was not read

  const auto touched = tracer_.Touch(kFrame, [&] {
    Drop(9, 1, kFrame + 1, gettid());
    Drop(3, 1, kFrame, gettid());
    Drop(2, 1, kFrame, gettid());
  });

  ASSERT_TRUE(touched.has_value());
  EXPECT_EQ(touched->references, 2);
  EXPECT_EQ(touched->mappings, 1);
}

TEST_F(PageTracerTest, ATouchThatTookNoReferenceTellsNothing) {
  WatchFrame();
  EXPECT_FALSE(tracer_.Touch(kFrame, [&] { Drop(2, 1, kFrame, gettid() + 1); }).has_value());
  Drop(2, 1, kFrame, gettid());
  EXPECT_FALSE(tracer_.Touch(kFrame, [] {}).has_value()) << "of before";
}

TEST_F(PageTracerTest, WhatATouchGivesBackIsNoRelease) {
  WatchFrame();
  tracer_.Touch(kFrame, [&] {
    Drop(4, 1, kFrame, gettid());
    Drop(2, 1, kFrame, gettid());
    Drop(1, 1, kFrame, gettid());
  });
  EXPECT_TRUE(tracer_.TakeReleased().empty());
}

TEST_F(PageTracerTest, ATouchByAScoutTellsWhatThatOneLeft) {
  constexpr int32_t kScout = 4711;
  WatchFrame();

  const auto touched = tracer_.TouchBy(kScout, kFrame, [&] {
    Drop(2, 1, kFrame, kScout);
    Drop(9, 1, kFrame, gettid());
  });

  ASSERT_TRUE(touched.has_value());
  EXPECT_EQ(touched->references, 2);
}

TEST_F(PageTracerTest, WhatAScoutGivesBackAtAnyTimeIsNoRelease) {
  constexpr int32_t kScout = 4711;
  WatchFrame();
  EXPECT_FALSE(tracer_.TouchBy(kScout, kFrame, [] {}).has_value());
  EXPECT_FALSE(tracer_.TouchBy(kScout + 1, kFrame, [] {}).has_value());

  Drop(1, 1, kFrame, kScout);  // it was left behind

  EXPECT_TRUE(tracer_.TakeReleased().empty());
  EXPECT_EQ(tracer_.TakeLeft(kFrame), absl::nullopt);
}

TEST_F(PageTracerTest, ANumberThatWasAScoutsLongAgoIsAnybodys) {
  constexpr int32_t kScout = 4711;
  WatchFrame();
  for (int i = 0; i < 20; ++i) tracer_.TouchBy(kScout + i, kFrame, [] {});

  Drop(1, 1, kFrame, kScout);

  EXPECT_EQ(tracer_.TakeReleased(), std::vector<uint64_t>{2});
}

TEST_F(PageTracerTest, TellsWhatOthersLeftOfAPageButNotWhatAnAllocationGaveBack) {
  WatchFrame();
  tracer_.Touch(kFrame, [] {});
  EXPECT_EQ(tracer_.TakeLeft(kFrame), absl::nullopt);

  Drop(1, 1, kFrame, /*thread=*/90);  // the allocator's own
  EXPECT_EQ(tracer_.TakeLeft(kFrame), absl::nullopt);

  Drop(1, 0);  // held by somebody, mapped by nobody
  EXPECT_EQ(tracer_.TakeLeft(kFrame), absl::nullopt);

  Drop(2, 1);
  Drop(1, 1);
  EXPECT_EQ(tracer_.TakeLeft(kFrame), 1);
  EXPECT_EQ(tracer_.TakeLeft(kFrame), absl::nullopt) << "told once";
  Drop(0, 0);
  EXPECT_EQ(tracer_.TakeLeft(kFrame + 1), absl::nullopt) << "another was touched";
  EXPECT_EQ(tracer_.TakeLeft(kFrame), 0);
}

TEST_F(PageTracerTest, APageCanBeSeenForAMomentWithoutBeingWatched) {
  WatchFrame();
  Written(filter_[0]);

  EXPECT_TRUE(tracer_.See(0x100));

  EXPECT_EQ(Written(filter_[0]), "pfn == 0x100 || pfn == 0x1cc00") << "beside what is watched";
  EXPECT_TRUE(tracer_.Sees(0x100));
  EXPECT_TRUE(tracer_.Sees(kFrame));
  tracer_.Settle();
  EXPECT_EQ(Written(filter_[0]), "pfn == 0x1cc00");
  EXPECT_FALSE(tracer_.Sees(0x100));
}

TEST_F(PageTracerTest, WhatIsSeenForAMomentEndsByItself) {
  EXPECT_TRUE(tracer_.See(0x100));
  EXPECT_TRUE(tracer_.lingers());
  tracer_.Rest();
  EXPECT_FALSE(tracer_.Sees(0x100));
}

TEST_F(PageTracerTest, WithoutPageRefEventsNothingIsSeen) {
  tracer_ = PageTracer({.pipe = trace_[0].get()});
  EXPECT_FALSE(tracer_.See(0x100));
}

TEST_F(PageTracerTest, SeesWhatTheKernelWasToldOf) {
  EXPECT_FALSE(tracer_.Sees(kFrame));
  WatchFrame();
  EXPECT_TRUE(tracer_.Sees(kFrame));
  EXPECT_FALSE(tracer_.Sees(kFrame + 1));
  tracer_.Unwatch("2");
  tracer_.Rest();
  EXPECT_FALSE(tracer_.Sees(kFrame));
}

TEST_F(PageTracerTest, TellsWhatTheAttemptCameToAndHowManyWindowsWereRefused) {
  Refuse(90, 0x100);
  Refuse(90, 0x200);
  Finish(90, EBUSY);

  const ProberReply reply = tracer_.Watch(1, "90 0");

  ASSERT_EQ(reply.attempts.size(), 1u);
  EXPECT_EQ(reply.attempts[0].error_number, EBUSY);
  EXPECT_EQ(reply.attempts[0].windows_refused, 2u);
  EXPECT_EQ(reply.frames.at(0).frame, 0x200u);
}

TEST_F(PageTracerTest, AnAttemptThatNoPageRefusedIsToldWithoutAPage) {
  Refuse(90, 0x100);
  Finish(90, EBUSY);
  Finish(90, ENOMEM);

  const ProberReply reply = tracer_.Watch(1, "90 0");

  EXPECT_EQ(reply.error_number, 0);
  EXPECT_EQ(reply.attempts.at(0).error_number, ENOMEM);
  EXPECT_EQ(reply.attempts.at(0).windows_refused, 0u);
  EXPECT_TRUE(reply.frames.empty());
}

TEST_F(PageTracerTest, OneThatGotItsPagesLeavesNothingToBeAsked) {
  Refuse(90, 0x100);
  Finish(90, 0);
  EXPECT_EQ(tracer_.Watch(1, "90 0").error_number, ENOENT);
}

}  // namespace
}  // namespace dmaheap

#include "daemon/diagnosis/prober/pinner_scanner.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr uint64_t kFrame = 0x1cc00;

// A tracer whose kernel is three pipes. (That a pipe which holds the page is found can only be seen
// on a kernel that tells of references: tests/vm/suite/pins_are_waited_for.cc.)
class PinnerScannerTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    for (UniqueFd* ends : {trace_, filter_, enable_, somebodys_}) {
      int fds[2];
      ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
      ends[0].Reset(fds[0]);
      ends[1].Reset(fds[1]);
    }
    tracer_ = PageTracer(
        {.pipe = trace_[0].get(), .filter = filter_[1].get(), .enable = enable_[1].get()});
  }
  void TearDown() override {
    for (UniqueFd* ends : {trace_, filter_, enable_, somebodys_}) {
      ends[0].Reset();
      ends[1].Reset();
    }
    FdLeakCheck::TearDown();
  }

  // Two attempts in a row that the page refused: it is watched.
  void WatchFrame() {
    for (int i = 0; i < 2; ++i) {
      const std::string line = absl::StrFormat(
          "   heap-reserved-90      [001] .....     4.088399: test_pages_isolated: "
          "start_pfn=0x1c000 end_pfn=0x1fc00 fin_pfn=0x%x ret=fail\n",
          kFrame);
      ASSERT_EQ(write(trace_[1].get(), line.data(), line.size()),
                static_cast<ssize_t>(line.size()));
      tracer_.Watch(i + 1, absl::StrCat("90 ", i));
    }
    tracer_.Settle();
    ASSERT_TRUE(tracer_.Sees(kFrame));
  }
  ProberReply Find(const std::string& question = absl::StrCat(kFrame, " 1000")) {
    return FindPinners(ProberRoots(), question, tracer_, TimeBox(absl::InfiniteDuration()));
  }

  UniqueFd trace_[2];
  UniqueFd filter_[2];
  UniqueFd enable_[2];
  UniqueFd somebodys_[2];
  PageTracer tracer_;
};

TEST_F(PinnerScannerTest, WhereTheKernelTellsNoReferencesNobodyIsAccused) {
  tracer_ = PageTracer({.pipe = trace_[0].get()});

  const ProberReply reply = Find();

  EXPECT_EQ(reply.error_number, 0);
  ASSERT_EQ(reply.frames.size(), 1u);
  EXPECT_EQ(reply.frames[0].frame, kFrame);
  EXPECT_EQ(reply.frames[0].present & kFrameReferences, 0u);
  EXPECT_NE(reply.flags & kProberHoldersPartial, 0u);
  EXPECT_TRUE(reply.pinners.empty());
}

TEST_F(PinnerScannerTest, APipeIsTheSameAfterItWasLookedInto) {
  const std::string text = "what somebody wrote";
  ASSERT_EQ(write(somebodys_[1].get(), text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  WatchFrame();

  const ProberReply reply = Find();

  EXPECT_TRUE(reply.pinners.empty()) << "the kernel told of no reference to the page";
  char bytes[64];
  ASSERT_EQ(read(somebodys_[0].get(), bytes, sizeof(bytes)), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(std::string(bytes, text.size()), text);
  EXPECT_EQ(read(somebodys_[0].get(), bytes, sizeof(bytes)), -1);
  EXPECT_EQ(errno, EAGAIN) << "its writer is still there";
}

TEST_F(PinnerScannerTest, TheEndOfTheTimeBoxIsTold) {
  WatchFrame();
  const ProberReply reply = FindPinners(ProberRoots(), absl::StrCat(kFrame, " 1000"), tracer_,
                                        TimeBox(absl::ZeroDuration()));
  EXPECT_NE(reply.flags & kProberHoldersPartial, 0u);
}

TEST_F(PinnerScannerTest, RefusesQuestionsThatAreNone) {
  for (const char* question :
       {"", "1", "-1 5", "x 5", "1 x", "1 2 3", "01 5", "+1 5", "36028797018963968 5"}) {
    EXPECT_EQ(Find(question).error_number, EINVAL) << question;
  }
}

TEST_F(PinnerScannerTest, WhereNoTableOfFramesIsNothingIsTold) {
  const FakeTree tree;
  WatchFrame();

  const ProberReply reply = FindPinners(tree.roots(), absl::StrCat(kFrame, " 1000"), tracer_,
                                        TimeBox(absl::InfiniteDuration()));

  EXPECT_EQ(reply.error_number, 0);
  ASSERT_EQ(reply.frames.size(), 1u);
  EXPECT_EQ(reply.frames[0].present, 0u);
  EXPECT_EQ(reply.flags, 0u) << "there are no processes";
}

}  // namespace
}  // namespace dmaheap

#include "daemon/diagnosis/prober/pinner_scanner.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/scout_looks.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "daemon/diagnosis/prober/testing/held_pipe.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr uint64_t kFrame = 0x1cc00;

// What the kernel says when a scout has touched a pipe that holds the page. Standard error is all
// that a scout can write to.
ScoutAnswer TouchAndTell(const ScoutQuestion&, const UniqueFd&) {
  const std::string line = absl::StrFormat(
      "  scout-%d  [001] ..... 4.2: page_ref_mod_and_test: pfn=0x%x flags=none count=2 mapcount=0 "
      "mapping=0 mt=1 val=-1 ret=0\n",
      gettid(), kFrame);
  const bool told =
      write(STDERR_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  return {.flags = told ? kScoutWhole : 0};
}

// A tracer whose kernel is three pipes. (What a real one tells of a pipe that holds the page:
// tests/vm/suite/pins_are_waited_for.cc.)
class PinnerScannerTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    scouts_.emplace(Scouts::Start(&LookAsScout).value());
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
    scouts_.reset();
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
    return FindPinners(ProberRoots(), question, tracer_, *scouts_,
                       TimeBox(absl::InfiniteDuration()));
  }

  UniqueFd trace_[2];
  UniqueFd filter_[2];
  UniqueFd enable_[2];
  UniqueFd somebodys_[2];
  PageTracer tracer_;
  absl::optional<Scouts> scouts_;
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

TEST_F(PinnerScannerTest, ThePipeWhoseTouchByAScoutTheKernelTellsOfHoldsThePage) {
  const FakeTree tree;
  tree.Pipe(10, 3);
  tree.File("proc/10/comm", "camera\n");
  WatchFrame();
  const UniqueFd errors(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  ASSERT_EQ(dup2(trace_[1].get(), STDERR_FILENO), STDERR_FILENO);
  Scouts scouts = Scouts::Start(&TouchAndTell).value();
  ASSERT_GE(dup2(errors.get(), STDERR_FILENO), 0);

  const ProberReply reply = FindPinners(tree.roots(), absl::StrCat(kFrame, " 5000"), tracer_,
                                        scouts, TimeBox(absl::Seconds(10)));

  EXPECT_EQ(reply.flags, 0u);
  ASSERT_EQ(reply.pinners.size(), 1u);
  EXPECT_EQ(reply.pinners[0].process.pid, 10);
  EXPECT_STREQ(reply.pinners[0].process.name, "camera");
  EXPECT_EQ(reply.pinners[0].kind, PinKind::kPipe);
}

TEST_F(PinnerScannerTest, WithoutScoutsNoPipeIsLookedIntoAndThatIsTold) {
  const FakeTree tree;
  tree.Pipe(10, 3);
  WatchFrame();
  Scouts none;

  const ProberReply reply = FindPinners(tree.roots(), absl::StrCat(kFrame, " 1000"), tracer_, none,
                                        TimeBox(absl::Seconds(10)));

  EXPECT_EQ(reply.error_number, 0);
  EXPECT_NE(reply.flags & kProberHoldersPartial, 0u);
}

TEST_F(PinnerScannerTest, APipeWhoseLockIsHeldIsLeftOutAndThatIsTold) {
  const FakeTree tree;
  const std::string fifo = tree.Pipe(10, 3);
  tree.Pipe(11, 4);
  WatchFrame();
  auto held = HeldPipe::Take(fifo);
  if (!held.ok()) GTEST_SKIP() << "no pipe's lock can be held here: " << held.status();
  const auto find = [&] {
    return FindPinners(tree.roots(), absl::StrCat(kFrame, " 300"), tracer_, *scouts_,
                       TimeBox(absl::Seconds(10)));
  };

  for (int i = 0; i < 3; ++i) EXPECT_NE(find().flags & kProberHoldersPartial, 0u) << i;

  EXPECT_EQ(scouts_->left_behind(), 1) << "and not looked into again";
}

TEST_F(PinnerScannerTest, OfPipesThatCanAllBeLookedIntoTheAnswerIsWhole) {
  const FakeTree tree;
  tree.Pipe(10, 3);
  tree.Pipe(11, 4);
  WatchFrame();

  const ProberReply reply = FindPinners(tree.roots(), absl::StrCat(kFrame, " 100"), tracer_,
                                        *scouts_, TimeBox(absl::Seconds(10)));

  EXPECT_EQ(reply.flags, 0u);
}

TEST_F(PinnerScannerTest, TheEndOfTheTimeBoxIsTold) {
  WatchFrame();
  const ProberReply reply = FindPinners(ProberRoots(), absl::StrCat(kFrame, " 1000"), tracer_,
                                        *scouts_, TimeBox(absl::ZeroDuration()));
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
                                        *scouts_, TimeBox(absl::InfiniteDuration()));

  EXPECT_EQ(reply.error_number, 0);
  ASSERT_EQ(reply.frames.size(), 1u);
  EXPECT_EQ(reply.frames[0].present, 0u);
  EXPECT_EQ(reply.flags, 0u) << "there are no processes";
}

}  // namespace
}  // namespace dmaheap

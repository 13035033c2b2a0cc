#include "daemon/diagnosis/prober/scouts.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/pipe_touch.h"
#include "daemon/diagnosis/prober/testing/held_pipe.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kFarTooLong = absl::Seconds(20);
// More than a scout is given.
const absl::Duration kBox = absl::Seconds(5);

// frame chooses what the scout does.
constexpr uint64_t kDies = 13;
ScoutAnswer Look(const ScoutQuestion& question, const UniqueFd& file) {
  if (question.frame == kDies) _exit(1);
  return {.flags = TouchPipe(file) ? kScoutWhole : 0};
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// By its own number: of the parent, 0 where there is no such process.
pid_t ParentOf(pid_t pid) {
  const std::string status = ReadText(absl::StrCat("/proc/", pid, "/status"));
  const size_t at = status.find("PPid:");
  return at == std::string::npos ? 0 : atoi(status.c_str() + at + 5);
}

// Ended and reaped by its parent.
bool IsGone(pid_t pid) {
  const TimeBox far_too_long(kFarTooLong);
  while (!far_too_long.Ended()) {
    if (kill(pid, 0) != 0 && errno == ESRCH) return true;
    poll(nullptr, 0, /*timeout=*/1);
  }
  return false;
}

class ScoutsTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    char path[] = "/tmp/dmaheap-scouts-XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    folder_ = path;
    scouts_.emplace(Scouts::Start(&Look).value());
  }
  void TearDown() override {
    scouts_.reset();
    std::filesystem::remove_all(folder_);
    FdLeakCheck::TearDown();
  }

  std::string MakePipe() {
    std::string path = absl::StrCat(folder_, "/", made_++);
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return path;
  }
  static UniqueFd PlaceOf(const std::string& path) {
    return UniqueFd(open(path.c_str(), O_PATH | O_CLOEXEC));
  }
  absl::optional<ScoutAnswer> Ask(const std::string& pipe, uint64_t frame = 0,
                                  absl::Duration box = kBox) {
    const ScoutQuestion question{.look = ScoutLook::kTouchPipe, .frame = frame};
    return scouts_->Ask(question, PlaceOf(pipe), getpid(), absl::ZeroDuration(), TimeBox(box));
  }
  // Until those that were left behind have ended.
  bool AllReturn() {
    const TimeBox far_too_long(kFarTooLong);
    while (scouts_->left_behind() > 0) {
      if (far_too_long.Ended()) return false;
      poll(nullptr, 0, /*timeout=*/1);
    }
    return true;
  }

  std::string folder_;
  int made_ = 0;
  absl::optional<Scouts> scouts_;
};

TEST_F(ScoutsTest, AScoutLooksAndAnswersAgainAndAgain) {
  const std::string pipe = MakePipe();
  const pid_t scout = scouts_->Muster(TimeBox(kBox));

  for (int i = 0; i < 3; ++i) {
    const auto answer = Ask(pipe);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->flags, kScoutWhole);
  }

  EXPECT_GT(scout, 0);
  EXPECT_EQ(scouts_->Muster(TimeBox(kBox)), scout) << "it is the same one";
}

TEST_F(ScoutsTest, WithoutAZygoteNothingIsLookedAt) {
  Scouts none;
  EXPECT_EQ(none.Muster(TimeBox(kBox)), 0);
  EXPECT_EQ(none.fd(), -1);
  EXPECT_FALSE(none.Ask({}, PlaceOf(MakePipe()), 1, absl::ZeroDuration(), TimeBox(kBox)));
}

TEST_F(ScoutsTest, AScoutHasNothingButItsSocket) {
  const UniqueFd somebodys(open("/dev/null", O_RDONLY));
  scouts_.emplace(Scouts::Start(&Look).value());
  const pid_t scout = scouts_->Muster(TimeBox(kBox));
  const pid_t zygote = ParentOf(scout);

  for (const auto& [pid, name] :
       {std::pair(scout, "dmaheapd-scout\n"), std::pair(zygote, "dmaheapd-zygote\n")}) {
    // It may just be closing the other end of its pair.
    const std::string process = absl::StrCat("/proc/", pid);
    int fds = 0;
    const TimeBox far_too_long(kFarTooLong);
    do {
      fds = 0;
      for (const auto& entry : std::filesystem::directory_iterator(process + "/fd")) {
        fds += atoi(entry.path().filename().c_str()) > STDERR_FILENO;
      }
    } while (fds != 1 && !far_too_long.Ended());
    EXPECT_EQ(fds, 1) << name;
    EXPECT_EQ(ReadText(process + "/comm"), name);
    EXPECT_NE(ReadText(process + "/status").find("Seccomp:\t2"), std::string::npos) << name;
  }
}

TEST_F(ScoutsTest, AllEndWithTheirProber) {
  const pid_t scout = scouts_->Muster(TimeBox(kBox));
  const pid_t zygote = ParentOf(scout);

  scouts_.reset();

  EXPECT_TRUE(IsGone(scout));
  EXPECT_TRUE(IsGone(zygote));
}

TEST_F(ScoutsTest, OneThatDiesIsReplaced) {
  const std::string pipe = MakePipe();
  const pid_t first = scouts_->Muster(TimeBox(kBox));

  EXPECT_FALSE(Ask(pipe, kDies).has_value());
  EXPECT_TRUE(Ask(pipe).has_value());

  EXPECT_NE(scouts_->Muster(TimeBox(kBox)), first);
  EXPECT_TRUE(IsGone(first));
  EXPECT_EQ(scouts_->left_behind(), 0);
}

TEST_F(ScoutsTest, TheEndOfTheZygoteIsTold) {
  const pid_t scout = scouts_->Muster(TimeBox(kBox));

  ASSERT_EQ(kill(ParentOf(scout), SIGKILL), 0);
  pollfd ended = {.fd = scouts_->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&ended, 1, /*timeout=*/10000), 1);

  EXPECT_FALSE(scouts_->OnReadable().ok());
  EXPECT_TRUE(IsGone(scout)) << "the kernel ends it";
}

// Those that hold locks begin threads: after the fork.
class HeldScoutsTest : public ScoutsTest {
 protected:
  void TearDown() override {
    held_.clear();
    ScoutsTest::TearDown();
  }
  // Absent where no lock can be held.
  absl::optional<std::string> Hold() {
    std::string pipe = MakePipe();
    auto held = HeldPipe::Take(pipe);
    if (!held.ok()) {
      why_ = absl::StrCat("no pipe's lock can be held here: ", held.status().ToString());
      return absl::nullopt;
    }
    held_.push_back(*std::move(held));
    return pipe;
  }
  std::vector<std::unique_ptr<HeldPipe>> held_;
  std::string why_;
};

TEST_F(HeldScoutsTest, OneThatIsHeldIsLeftBehindAndEndsWhenTheLockIsLetGo) {
  const std::string free = MakePipe();
  const auto pipe = Hold();
  if (!pipe.has_value()) GTEST_SKIP() << why_;
  const pid_t scout = scouts_->Muster(TimeBox(kBox));

  const absl::Time begin = MonotonicNow();
  EXPECT_FALSE(Ask(*pipe).has_value());
  EXPECT_LT(MonotonicNow() - begin, absl::Seconds(3)) << "it was waited for";
  EXPECT_EQ(scouts_->left_behind(), 1);
  EXPECT_TRUE(Ask(free).has_value()) << "another one looks";
  EXPECT_EQ(kill(scout, 0), 0) << "nothing ends it while the lock is held";
  held_.clear();

  EXPECT_TRUE(IsGone(scout));
  EXPECT_TRUE(AllReturn());
}

TEST_F(HeldScoutsTest, WhereOneIsHeldNoOtherIsSent) {
  const auto pipe = Hold();
  if (!pipe.has_value()) GTEST_SKIP() << why_;

  for (int i = 0; i < 10; ++i) EXPECT_FALSE(Ask(*pipe).has_value());
  EXPECT_EQ(scouts_->left_behind(), 1);
  held_.clear();
  EXPECT_TRUE(AllReturn());
  EXPECT_FALSE(Ask(*pipe).has_value()) << "not so soon";

  EXPECT_TRUE(Ask(MakePipe()).has_value());
}

TEST_F(HeldScoutsTest, TheEndOfTheBoxDoesNotWaitForOneThatIsHeld) {
  const std::string free = MakePipe();
  const auto pipe = Hold();
  if (!pipe.has_value()) GTEST_SKIP() << why_;
  const pid_t scout = scouts_->Muster(TimeBox(kBox));

  EXPECT_FALSE(Ask(*pipe, 0, absl::ZeroDuration()).has_value());

  // It may still come back.
  EXPECT_TRUE(Ask(free).has_value()) << "with patience";
  EXPECT_EQ(scouts_->left_behind(), 1);
  EXPECT_NE(scouts_->Muster(TimeBox(kBox)), scout);
}

TEST_F(HeldScoutsTest, WhatOneSaysTooLateIsNotTakenForAnotherAnswer) {
  const std::string free = MakePipe();
  const auto pipe = Hold();
  if (!pipe.has_value()) GTEST_SKIP() << why_;
  scouts_->Muster(TimeBox(kBox));

  EXPECT_FALSE(Ask(*pipe, 0, absl::ZeroDuration()).has_value());
  held_.clear();

  // Its pages are there; of what is no pipe there are none.
  EXPECT_EQ(Ask("/dev/null")->flags, 0u);
  EXPECT_EQ(Ask(free)->flags, kScoutWhole);
}

TEST_F(HeldScoutsTest, NoMoreThanSoManyAreHeldAtOnce) {
  const std::string free = MakePipe();
  for (int i = 0; i < kMostScouts + 2; ++i) {
    const auto pipe = Hold();
    if (!pipe.has_value()) GTEST_SKIP() << why_;
    EXPECT_FALSE(Ask(*pipe).has_value());
    EXPECT_EQ(scouts_->left_behind(), std::min(i + 1, kMostScouts));
  }

  EXPECT_EQ(scouts_->Muster(TimeBox(kBox)), 0);
  EXPECT_FALSE(Ask(free).has_value());
  held_.clear();

  EXPECT_TRUE(AllReturn());
  const TimeBox far_too_long(kFarTooLong);
  while (scouts_->Muster(TimeBox(kBox)) == 0 && !far_too_long.Ended()) {
  }
  EXPECT_TRUE(Ask(free).has_value());
}

TEST_F(HeldScoutsTest, AHundredThatWereHeldLeaveNothing) {
  const pid_t zygote = ParentOf(scouts_->Muster(TimeBox(kBox)));
  for (int i = 0; i < 100; ++i) {
    const auto pipe = Hold();
    if (!pipe.has_value()) GTEST_SKIP() << why_;
    EXPECT_FALSE(Ask(*pipe).has_value()) << i;
    held_.clear();
    ASSERT_TRUE(AllReturn()) << i;
  }

  pid_t last = 0;
  const TimeBox far_too_long(kFarTooLong);
  while ((last = scouts_->Muster(TimeBox(kBox))) == 0 && !far_too_long.Ended()) {
  }
  // All were reaped but the one that is asked next. (Of the kernel's list of children:
  // CONFIG_PROC_CHILDREN.)
  const std::string children = absl::StrCat("/proc/", zygote, "/task/", zygote, "/children");
  while (ReadText(children) != absl::StrCat(last, " ") && !far_too_long.Ended()) {
  }
  if (std::filesystem::exists(children)) {
    EXPECT_EQ(ReadText(children), absl::StrCat(last, " "));
  }
}

}  // namespace
}  // namespace dmaheap

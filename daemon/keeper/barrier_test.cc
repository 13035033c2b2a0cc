// Barriers of a real daemon over a real cgroup: whoever dies inside one, nothing stays frozen.

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/handover/barrier_wire.h"
#include "daemon/keeper/keeper.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "daemon/keeper/testing/real_cgroup.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kProgram[] = "daemon/keeper/testing/scripted_daemon";
constexpr uid_t kUser = 54321;

std::string Refused(BarrierReason reason) {
  return absl::StrCat("refused reason=", static_cast<uint32_t>(reason), " ");
}
std::string Thawed(BarrierReason reason) {
  return absl::StrCat("thawed reason=", static_cast<uint32_t>(reason), " ");
}

class BarrierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cgroup_ = RealCgroup::Make();
    if (cgroup_ == nullptr) GTEST_SKIP() << "no cgroup (v2) can be made here";
    member_ = cgroup_->AddProcess(cgroup_->MakeBelow("deep"));
    StartAndWait();
  }

  StartSpec Spec(std::vector<std::string> more) const {
    StartSpec spec;
    spec.arguments = {absl::StrCat("--socket-dir=", run_), absl::StrCat("--user=", kUser),
                      "--heap-dir=/nonexistent"};
    spec.arguments.insert(spec.arguments.end(), more.begin(), more.end());
    return spec;
  }
  void StartAndWait(std::vector<std::string> more = {}) {
    more.push_back("--barrier-cgroup=" + cgroup_->path());
    daemon_ = std::make_unique<DaemonProcess>(kProgram, Spec(std::move(more)));
    ASSERT_TRUE(daemon_->WaitReady()) << daemon_->Log();
    prober_ = NumberIn(daemon_->WaitLog("event=child_started child=prober"), "pid");
    int pid = -1;
    ASSERT_TRUE(absl::SimpleAtoi(Command("pid"), &pid));
    broker_ = pid;
  }
  std::string Command(absl::string_view command) const { return Ask(run_ + "/rpc.sock", command); }
  // Freezes, sooner or later: on a busy machine the prober, or a member, may not get its turn in
  // time, and the next box must wait for the budget.
  std::string Freeze(absl::string_view command = "freeze 0 50") const {
    const absl::Time until = absl::Now() + absl::Seconds(20);
    std::string answer;
    do {
      answer = Command(command);
    } while ((absl::StartsWith(answer, Refused(BarrierReason::kNotInTime)) ||
              absl::StartsWith(answer, Refused(BarrierReason::kSilentProber)) ||
              absl::StartsWith(answer, Refused(BarrierReason::kStopping)) ||
              absl::StartsWith(answer, Refused(BarrierReason::kOverBudget))) &&
             absl::Now() < until);
    return answer;
  }
  bool HasRecord() const { return std::filesystem::exists(run_ + "/frozen"); }
  // As the thaw is the keeper's to do, in its own time.
  bool WaitThawed() const {
    const absl::Time until = absl::Now() + absl::Seconds(20);
    while (absl::Now() < until) {
      if (!cgroup_->IsFrozen() && !HasRecord()) return true;
    }
    return false;
  }

  TempFolder folder_;
  std::string run_ = folder_.Below("run");
  std::unique_ptr<RealCgroup> cgroup_;
  std::unique_ptr<DaemonProcess> daemon_;
  pid_t member_ = 0;
  pid_t broker_ = 0;
  pid_t prober_ = 0;
};

TEST_F(BarrierTest, FreezesAndThawsAtTheEndOfTheBox) {
  const std::string frozen = Freeze();
  ASSERT_THAT(frozen, StartsWith("frozen "));

  const std::string thawed = Command("thawed");
  EXPECT_THAT(thawed, StartsWith(Thawed(BarrierReason::kBoxOver)));
  EXPECT_FALSE(cgroup_->IsFrozen());
  EXPECT_FALSE(HasRecord());
  EXPECT_GE(NumberIn(thawed, "us"), 49'000);  // kThawMargin
  RecordProperty("frozen_us", NumberIn(thawed, "us"));
}

TEST_F(BarrierTest, ThawsWhenAsked) {
  ASSERT_THAT(Freeze(), StartsWith("frozen "));
  // On a busy machine the box may be over before the word comes.
  EXPECT_THAT(Command("thaw"), StartsWith("thawed "));
  EXPECT_FALSE(cgroup_->IsFrozen());
  EXPECT_FALSE(HasRecord());
}

TEST_F(BarrierTest, OverItsBudgetItIsRefused) {
  ASSERT_THAT(Freeze(), StartsWith("frozen "));
  ASSERT_THAT(Command("thawed"), StartsWith("thawed "));
  EXPECT_THAT(Command("freeze 0 50"), StartsWith(Refused(BarrierReason::kOverBudget)));
}

TEST_F(BarrierTest, ABrokerThatDiesInsideThawsAtOnce) {
  Freeze(absl::StrCat("freeze-kill 0 50 ", broker_));
  EXPECT_TRUE(WaitThawed());
  daemon_->WaitLog("event=child_started child=broker");
  EXPECT_TRUE(absl::SimpleAtoi(Command("pid"), &broker_)) << "the next serves";
  EXPECT_FALSE(cgroup_->IsFrozen());
}

TEST_F(BarrierTest, AProberThatDiesInsideThawsAtOnce) {
  EXPECT_THAT(Freeze(absl::StrCat("freeze-kill 0 50 ", prober_)), StartsWith("frozen "));
  EXPECT_TRUE(WaitThawed());
  daemon_->WaitLog("event=child_started child=prober");
  EXPECT_THAT(Freeze(), StartsWith("frozen ")) << "the next prober answers";
}

TEST_F(BarrierTest, BothDieInside) {
  Freeze(absl::StrCat("freeze-kill 0 50 ", prober_, " ", broker_));
  EXPECT_TRUE(WaitThawed());
  EXPECT_TRUE(absl::SimpleAtoi(Command("pid"), &broker_));
}

TEST_F(BarrierTest, AStopInsideThaws) {
  ASSERT_THAT(Freeze(), StartsWith("frozen "));
  daemon_->Signal(SIGTERM);
  EXPECT_EQ(daemon_->WaitExit(), 0);
  EXPECT_FALSE(cgroup_->IsFrozen());
  EXPECT_FALSE(std::filesystem::exists(run_));
}

class KilledInsideTest : public BarrierTest {
 protected:
  // Kills all three while the cgroup stands still. If the box was over before, once more.
  void KillAllInside() {
    for (int attempt = 0; attempt < 20; ++attempt) {
      Freeze();
      daemon_->Signal(SIGKILL);
      ASSERT_EQ(daemon_->WaitExit(), 128 + SIGKILL);
      EXPECT_TRUE(WaitGone(broker_));
      EXPECT_TRUE(WaitGone(prober_));
      if (cgroup_->IsFrozen() && HasRecord()) return;
      StartAndWait();
    }
    FAIL() << "never in time";
  }
};

TEST_F(KilledInsideTest, TheNextStartThaws) {
  KillAllInside();
  StartAndWait();
  EXPECT_TRUE(WaitThawed());
  EXPECT_THAT(daemon_->Log(), HasSubstr("event=left_over_thawed"));
  // And may freeze again.
  EXPECT_THAT(Freeze(), StartsWith("frozen "));
}

TEST_F(KilledInsideTest, TheStopStepThaws) {
  KillAllInside();
  StartSpec spec = Spec({"--thaw"});
  spec.pass_ready_fd = false;
  DaemonProcess thaw(kProgram, spec);
  EXPECT_EQ(thaw.WaitExit(), 0) << thaw.Log();
  EXPECT_FALSE(cgroup_->IsFrozen());
  EXPECT_FALSE(HasRecord());
}

TEST_F(BarrierTest, TheStopStepOfALiveDaemonTouchesNothing) {
  StartSpec spec = Spec({"--thaw"});
  spec.pass_ready_fd = false;
  DaemonProcess thaw(kProgram, spec);
  EXPECT_EQ(thaw.WaitExit(), 0);
  EXPECT_THAT(thaw.Log(), HasSubstr("another dmaheapd"));
  EXPECT_THAT(Freeze(), StartsWith("frozen "));
}

TEST_F(BarrierTest, TheStopStepWithoutAFolderHasNothingToDo) {
  StartSpec spec;
  spec.arguments = {"--thaw", "--socket-dir=" + folder_.Below("none")};
  spec.pass_ready_fd = false;
  DaemonProcess thaw(kProgram, spec);
  EXPECT_EQ(thaw.WaitExit(), 0);
}

TEST_F(BarrierTest, OneOfOursInsideIsNeverFrozen) {
  const std::string deep = cgroup_->MakeBelow("deeper");
  for (const pid_t pid : {broker_, prober_, daemon_->pid(), getpid()}) {
    RealCgroup::Move(pid, deep);
    const std::string answer = Command("freeze 0 20");
    cgroup_->MoveOut(pid);
    EXPECT_THAT(answer, StartsWith(Refused(BarrierReason::kHoldsUs)));
    EXPECT_EQ(NumberIn(answer, "pid"), pid);
  }
  EXPECT_THAT(Freeze(), StartsWith("frozen "));
}

TEST_F(BarrierTest, AClientInsideIsNeverFrozen) {
  EXPECT_THAT(Command(absl::StrCat("freeze 0 20 CLIENT ", member_)),
              StartsWith(Refused(BarrierReason::kHoldsClient)));
  EXPECT_FALSE(cgroup_->IsFrozen());
}

TEST_F(BarrierTest, WhatSomebodyElseFrozeStaysFrozen) {
  cgroup_->Freeze(true);
  EXPECT_THAT(Command("freeze 0 20"), StartsWith(Refused(BarrierReason::kAlreadyFrozen)));
  daemon_->Signal(SIGTERM);
  EXPECT_EQ(daemon_->WaitExit(), 0);
  EXPECT_TRUE(cgroup_->IsAskedToFreeze());
  cgroup_->Freeze(false);
}

TEST_F(BarrierTest, OtherCgroupsCanNotBeNamed) {
  EXPECT_THAT(Command("freeze 1 20"), StartsWith(Refused(BarrierReason::kNoSuchCgroup)));
}

TEST_F(BarrierTest, WithoutAProberNothingIsFrozen) {
  daemon_->Signal(SIGTERM);
  ASSERT_EQ(daemon_->WaitExit(), 0);
  daemon_ = std::make_unique<DaemonProcess>(
      kProgram, Spec({"--no-prober", "--barrier-cgroup=" + cgroup_->path()}));
  ASSERT_TRUE(daemon_->WaitReady()) << daemon_->Log();
  EXPECT_THAT(Command("freeze 0 20"), StartsWith(Refused(BarrierReason::kNoProber)));
}

}  // namespace
}  // namespace dmaheap

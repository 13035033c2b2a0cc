// A real cgroup of busy processes, frozen through the daemon: for how long, and whoever is killed
// inside, nothing stays frozen.

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "daemon/keeper/testing/real_cgroup.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// The daemon's keeper and prober with a broker that does as it is told.
constexpr char kProgram[] = "/files/scripted_daemon";
// More than there are processors.
constexpr int kBusyProcesses = 6;

class BarriersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cgroup_ = RealCgroup::Make();
    ASSERT_NE(cgroup_, nullptr);
    other_ = RealCgroup::Make();
    ASSERT_NE(other_, nullptr);
    // While nothing is busy yet: it takes a third of the time.
    ASSERT_NO_FATAL_FAILURE(StartAndWait());
    const std::string below = cgroup_->MakeBelow("below");
    for (int i = 0; i < kBusyProcesses / 2; ++i) {
      cgroup_->AddBusyProcess(cgroup_->path());
      cgroup_->AddBusyProcess(below);
      other_->AddBusyProcess(other_->path());
    }
  }

  void StartAndWait() {
    StartSpec spec;
    spec.arguments = {"--socket-dir=" + run_, "--user=54321", "--heap-dir=/nonexistent",
                      "--barrier-cgroup=" + cgroup_->path(), "--barrier-cgroup=" + other_->path()};
    daemon_ = std::make_unique<DaemonProcess>(kProgram, spec);
    ASSERT_TRUE(daemon_->WaitReady()) << daemon_->Log();
    ASSERT_TRUE(absl::SimpleAtoi(Command("pid"), &broker_)) << daemon_->Log();
    prober_ = NumberIn(daemon_->WaitLog("event=child_started child=prober"), "pid");
  }
  std::string Command(absl::string_view command) const { return Ask(run_ + "/rpc.sock", command); }
  // Once the budget allows it, and the prober and all members got their turn in time, which takes
  // some tries where the emulated processors are shared with much else.
  std::string FreezeWhenAllowed(absl::string_view command) {
    const absl::Time until = absl::Now() + absl::Minutes(1);
    while (true) {
      const std::string answer = Command(command);
      const bool over_budget = absl::StartsWith(answer, "refused reason=6 ");
      const bool starved = absl::StartsWith(answer, "refused reason=8 ") ||
                           absl::StartsWith(answer, "refused reason=12 errno=110 ") ||
                           absl::StartsWith(answer, "refused reason=14 ");
      if (starved) ++starved_;
      if ((!over_budget && !starved) || absl::Now() > until) return answer;
    }
  }
  bool WaitThawed() const {
    const absl::Time until = absl::Now() + absl::Minutes(1);
    while (absl::Now() < until) {
      if (!cgroup_->IsFrozen() && !other_->IsFrozen() && !std::filesystem::exists(run_ + "/frozen"))
        return true;
    }
    return false;
  }

  TempFolder folder_;
  const std::string run_ = folder_.Below("run");
  std::unique_ptr<RealCgroup> cgroup_;
  // Each has a budget of its own.
  std::unique_ptr<RealCgroup> other_;
  std::unique_ptr<DaemonProcess> daemon_;
  pid_t broker_ = 0;
  pid_t prober_ = 0;
  // Refusals because somebody got no turn.
  int starved_ = 0;
};

TEST_F(BarriersTest, StandForTheirBox) {
  constexpr int kTimes = 10;
  // The longest first: a keeper that has seen no late thaw yet stands still for all of it.
  bool saw_none = true;
  for (const int box : {50, 20, 10, 5}) {
    std::vector<int> to_frozen;
    std::vector<int> frozen_for;
    starved_ = 0;
    for (int i = 0; i < kTimes; ++i) {
      const std::string frozen = FreezeWhenAllowed(absl::StrCat("freeze ", i % 2, " ", box));
      ASSERT_TRUE(absl::StartsWith(frozen, "frozen ")) << frozen;
      const std::string thawed = Command("thawed");
      ASSERT_TRUE(absl::StartsWith(thawed, "thawed ")) << thawed;
      to_frozen.push_back(NumberIn(frozen, "us"));
      frozen_for.push_back(NumberIn(thawed, "us"));
      if (std::exchange(saw_none, false) && starved_ == 0) {
        EXPECT_GE(frozen_for.back(), box * 1000 - 1000);  // kThawMargin
      }
      EXPECT_FALSE(cgroup_->IsFrozen());
      EXPECT_FALSE(other_->IsFrozen());
    }
    std::sort(to_frozen.begin(), to_frozen.end());
    std::sort(frozen_for.begin(), frozen_for.end());
    ASSERT_FALSE(frozen_for.empty());
    printf(
        "box %2d ms: %zu barriers, %d refused for want of a processor; still after p50 %d us, "
        "max %d us; frozen for p50 %d us, max %d us\n",
        box, frozen_for.size(), starved_, to_frozen[to_frozen.size() / 2], to_frozen.back(),
        frozen_for[frozen_for.size() / 2], frozen_for.back());
    // Where thaws came late, the next are earlier, by half of a box at most (ThawMargin).
    EXPECT_GE(frozen_for.front(), box * 1000 / 2);
    // Of most of them: how late the keeper gets its turn where emulated processors are shared with
    // all else that runs on this machine. The best one shows what the keeper does.
    EXPECT_LT(frozen_for.front(), (box + 20) * 1000);
  }
}

TEST_F(BarriersTest, AreEndedByWhoeverAsks) {
  // Short of the whole budget of a second, so that the next need not wait for all of that second.
  constexpr int kBox = 40;
  std::vector<int> frozen_for;
  for (int i = 0; i < 10; ++i) {
    // In turn, as each has a budget of its own.
    const std::string frozen = FreezeWhenAllowed(absl::StrCat("freeze ", i % 2, " ", kBox));
    ASSERT_TRUE(absl::StartsWith(frozen, "frozen ")) << frozen;
    const std::string thawed = Command("thaw");
    ASSERT_TRUE(absl::StartsWith(thawed, "thawed ")) << thawed;
    frozen_for.push_back(NumberIn(thawed, "us"));
  }
  std::sort(frozen_for.begin(), frozen_for.end());
  printf("thawed when asked at once: frozen for p50 %d us, max %d us\n",
         frozen_for[frozen_for.size() / 2], frozen_for.back());
  EXPECT_LT(frozen_for.front(), kBox * 1000 / 2);
}

struct Victims {
  const char* name;
  bool keeper;
  bool broker;
  bool prober;
};

class KilledInABarrierTest : public BarriersTest, public ::testing::WithParamInterface<Victims> {};

TEST_P(KilledInABarrierTest, NothingStaysFrozen) {
  int inside = 0;
  int times = 0;
  // At least thrice, and until one death was inside the box for sure.
  for (; times < 3 || (inside == 0 && times < 20); ++times) {
    if (daemon_ == nullptr) {
      ASSERT_NO_FATAL_FAILURE(StartAndWait());
    }
    std::string command = GetParam().keeper ? "freeze 0 50" : "freeze-kill 0 50";
    if (!GetParam().keeper && GetParam().prober) absl::StrAppend(&command, " ", prober_);
    if (!GetParam().keeper && GetParam().broker) absl::StrAppend(&command, " ", broker_);
    const std::string answer = FreezeWhenAllowed(command);
    if (GetParam().keeper) {
      ASSERT_TRUE(absl::StartsWith(answer, "frozen ")) << answer;
      // It first, as it would thaw at the death of another.
      daemon_->Signal(SIGKILL);
      if (GetParam().broker) kill(broker_, SIGKILL);
      if (GetParam().prober) kill(prober_, SIGKILL);
      EXPECT_EQ(daemon_->WaitExit(), 128 + SIGKILL);
      EXPECT_TRUE(WaitGone(broker_));
      EXPECT_TRUE(WaitGone(prober_));
      inside += cgroup_->IsFrozen() ? 1 : 0;
      // The next keeper thaws what this one could not.
      ASSERT_NO_FATAL_FAILURE(StartAndWait());
    }
    EXPECT_TRUE(WaitThawed()) << daemon_->Log();
    if (!GetParam().keeper) {
      // A broker that killed itself does not answer.
      ASSERT_TRUE(GetParam().broker || absl::StartsWith(answer, "frozen ")) << answer;
      // The next in their place serve.
      daemon_->Signal(SIGTERM);
      EXPECT_EQ(daemon_->WaitExit(), 0);
      EXPECT_FALSE(cgroup_->IsFrozen());
      inside += absl::StrContains(daemon_->Log(), "end=death_or_stop") ? 1 : 0;
      daemon_.reset();
    }
  }
  printf("%s killed: %d of %d inside the box, nothing frozen\n", GetParam().name, inside, times);
  EXPECT_GT(inside, 0) << "the box was always over before";
}

INSTANTIATE_TEST_SUITE_P(All, KilledInABarrierTest,
                         ::testing::Values(Victims{"Keeper", true, false, false},
                                           Victims{"Broker", false, true, false},
                                           Victims{"Prober", false, false, true},
                                           Victims{"KeeperAndBroker", true, true, false},
                                           Victims{"KeeperAndProber", true, false, true},
                                           Victims{"BrokerAndProber", false, true, true},
                                           Victims{"AllThree", true, true, true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace dmaheap

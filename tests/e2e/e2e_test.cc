// The whole of it: a real daemon (keeper, broker, prober), real client processes of several users.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/grpc_status.h"
#include "proto/unique_fd.h"
#include "proto/wire.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"

namespace dmaheap {
namespace {

// Whether a scan of /proc can be whole: not so in a container whose first process is shielded.
bool EveryProcessCanBeLookedInto() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const UniqueFd maps(open((entry.path() / "maps").c_str(), O_RDONLY | O_CLOEXEC));
    if (!maps.valid() && errno == EACCES) return false;
  }
  return true;
}

class EndToEndTest : public DaemonFixture {
 protected:
  // Keeper, broker and prober.
  void KillAll() {
    daemon_->Signal(SIGKILL);
    ASSERT_EQ(daemon_->WaitExit(), 128 + SIGKILL);
    ASSERT_TRUE(WaitGone(broker_));
  }

  // How many fds of buffers the broker has.
  int BrokerBufferFds() const {
    int count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(absl::StrCat("/proc/", broker_, "/fd"))) {
      std::error_code error;
      const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
      if (target.find("memfd:") != std::string::npos ||
          target.find("dmabuf") != std::string::npos) {
        ++count;
      }
    }
    return count;
  }
};

TEST_F(EndToEndTest, HandsOutZeroedBuffersAndKeepsNoFd) {
  Start();
  AgentProcess alice(dir(), kAliceUid);

  const auto names = alice.Expect("alloc simulated 1000000 20");

  ASSERT_EQ(names.size(), 20u);
  for (const std::string& name : names) alice.Expect(absl::StrCat("check ", name));
  EXPECT_EQ(BrokerBufferFds(), 0);
}

TEST_F(EndToEndTest, HandsOutZeroedMemoryAlsoWhereSomebodyWroteBefore) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto first = alice.Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));
  alice.Expect(absl::StrCat("touch ", first[0]));
  alice.Expect(absl::StrCat("release ", first[0]));
  ASSERT_TRUE(operator_->Within(5, [&] { return operator_->Buffers().empty(); }));

  const auto second = alice.Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));

  alice.Expect(absl::StrCat("check ", second[0]));
}

TEST_F(EndToEndTest, TheBrokerHasNoPrivilege) {
  Start();
  EXPECT_EQ(StatusOf(broker_, "CapEff"), "0000000000000000");
  EXPECT_EQ(StatusOf(broker_, "NoNewPrivs"), "1");
  EXPECT_NE(StatusOf(broker_, "Uid").find(absl::StrCat(kDaemonUid)), std::string::npos);
}

TEST_F(EndToEndTest, EveryUserSeesItsOwnBuffersAndTheOperatorAll) {
  Start();
  AgentProcess alice(dir(), kAliceUid), bob(dir(), kBobUid);
  const auto of_alice = alice.Expect("alloc simulated 4096 3");
  const auto of_bob = bob.Expect("alloc simulated 4096 2");

  std::multiset<int64_t> owners;
  for (const v1::Buffer& buffer : operator_->Buffers()) owners.insert(buffer.owner_uid());

  EXPECT_EQ(owners.count(kAliceUid), 3u);
  EXPECT_EQ(owners.count(kBobUid), 2u);
  // Releasing is by name: nobody can even name another's.
  EXPECT_EQ(operator_->Clients().size(), 2u);
}

TEST_F(EndToEndTest, RefundsAClientThatOnlyClosesItsFd) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto names = alice.Expect("alloc simulated 8192 2");
  ASSERT_EQ(operator_->ChargedBytes(kAliceUid), 16384);

  alice.Expect(absl::StrCat("closefd ", names[0]));

  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->ChargedBytes(kAliceUid) == 8192; }));
  EXPECT_EQ(operator_->StateOf(names[1]), v1::Buffer::DELIVERED);
}

TEST_F(EndToEndTest, NothingIsLeftOfAKilledClientWithinASecond) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  alice.Expect(absl::StrCat("alloc simulated ", kMiB, " 16"));

  alice.Kill();

  EXPECT_TRUE(operator_->Within(1, [&] {
    return operator_->Buffers().empty() && operator_->Clients().empty() &&
           operator_->Info().accounts().empty();
  }));
}

TEST_F(EndToEndTest, ChargesForAnFdThatAKilledClientHadPassedOn) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto names = alice.Expect("alloc simulated 4096 2");
  alice.Expect(absl::StrCat("send ", names[0]));
  UniqueFd passed = alice.TakeSentFd();

  alice.Kill();

  EXPECT_TRUE(
      operator_->Within(1, [&] { return operator_->StateOf(names[0]) == v1::Buffer::ORPHANED; }));
  EXPECT_TRUE(operator_->Within(1, [&] { return operator_->ChargedBytes(kAliceUid) == 4096; }));
  passed.Reset();
  EXPECT_TRUE(operator_->Within(1, [&] { return operator_->Info().accounts().empty(); }));
}

TEST_F(EndToEndTest, ChargesForAnFdThatLiesUnreadInASocketOfAThirdProcess) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto names = alice.Expect("alloc simulated 4096 1");
  alice.Expect(absl::StrCat("send ", names[0]));  // never read: it stays in the queue

  alice.Kill();

  EXPECT_TRUE(
      operator_->Within(1, [&] { return operator_->StateOf(names[0]) == v1::Buffer::ORPHANED; }));
  alice.hand_over().Reset();
  EXPECT_TRUE(operator_->Within(1, [&] { return operator_->Buffers().empty(); }));
}

TEST_F(EndToEndTest, FreesAFreedAreaForTheNext) {
  Start();
  AgentProcess alice(dir(), kAliceUid), bob(dir(), kBobUid);
  const auto names = alice.Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));
  EXPECT_EQ(bob.ReasonOf(absl::StrCat("alloc simulated ", 60 * kMiB, " 1")), "HEAP_EXHAUSTED");

  alice.Expect(absl::StrCat("release ", names[0]));

  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->Buffers().empty(); }));
  bob.Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));
}

TEST_F(EndToEndTest, TellsWhatIsWrongWithARequest) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  EXPECT_EQ(alice.ReasonOf("alloc simulated 0 1"), "INVALID_SIZE");
  EXPECT_EQ(alice.ReasonOf("alloc simulated -1 1"), "INVALID_SIZE");
  EXPECT_EQ(alice.ReasonOf("alloc simulated 9223372036854775807 1"), "INVALID_SIZE");
  EXPECT_EQ(alice.ReasonOf("alloc simulated 9223372036854771712 2"), "INVALID_SIZE");
  EXPECT_EQ(alice.ReasonOf("alloc simulated 4611686018427387904 2"), "INVALID_SIZE");
  EXPECT_EQ(alice.ReasonOf(absl::StrCat("alloc simulated ", 65 * kMiB, " 1")), "SIZE_EXCEEDS_HEAP");
  const std::string unknown = absl::StrJoin(alice.Ask("alloc nosuch 4096 1"), " ");
  EXPECT_NE(unknown.find("HEAP_NOT_FOUND"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("simulated"), std::string::npos) << unknown;
  // Nothing was changed by any of it.
  EXPECT_TRUE(operator_->Info().accounts().empty());
}

TEST_F(EndToEndTest, KeepsEveryUidWithinItsQuotaAlsoUnderConcurrentRequests) {
  const std::string policy = folder_.Write("policy", R"(
    access { who { everybody: true } rights: ALLOCATE rights: HOLD heaps: "*" }
    access { who { uids: 0 } rights: INSPECT rights: ADMIN }
    quotas { who { everybody: true } max_bytes: 409600 }
  )");
  Start({absl::StrCat("--policy=", policy)});
  std::vector<std::unique_ptr<AgentProcess>> agents;
  for (int i = 0; i < 6; ++i) {
    agents.push_back(std::make_unique<AgentProcess>(dir(), i % 2 == 0 ? kAliceUid : kBobUid));
  }

  for (auto& agent : agents) agent->Tell("storm simulated 4096 60");

  int granted[2] = {0, 0};
  for (int i = 0; i < 6; ++i) {
    const auto words = agents[i]->Answer();
    ASSERT_EQ(words.size(), 3u);
    granted[i % 2] += std::stoi(words[1]);
  }
  EXPECT_EQ(granted[0], 100);
  EXPECT_EQ(granted[1], 100);
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 409600);
}

TEST_F(EndToEndTest, GivesAHeldBufferToTheFirstClaimAndMovesTheCharge) {
  Start();
  AgentProcess alice(dir(), kAliceUid), bob(dir(), kBobUid);
  const auto held = alice.Expect("hold simulated 4096 1 60000");
  ASSERT_EQ(held.size(), 2u);
  ASSERT_EQ(operator_->ChargedBytes(kAliceUid), 4096);
  ASSERT_EQ(operator_->StateOf(held[1]), v1::Buffer::HELD);

  EXPECT_EQ(bob.ReasonOf(absl::StrCat("claim ", held[1], " 00000000000000000000000000000000")),
            "BUFFER_NOT_FOUND");
  bob.Expect(absl::StrCat("claim ", held[1], " ", held[0]));

  EXPECT_EQ(alice.ReasonOf(absl::StrCat("claim ", held[1], " ", held[0])), "BUFFER_NOT_FOUND");
  bob.Expect(absl::StrCat("check ", held[1]));
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 0);
  EXPECT_EQ(operator_->ChargedBytes(kBobUid), 4096);
  EXPECT_EQ(BrokerBufferFds(), 0);
}

TEST_F(EndToEndTest, FreesAHeldBufferWhenItsLeaseEnds) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto held = alice.Expect("hold simulated 4096 1 50");

  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->Buffers().empty(); }));

  EXPECT_EQ(alice.ReasonOf(absl::StrCat("claim ", held[1], " ", held[0])), "LEASE_EXPIRED");
  EXPECT_TRUE(operator_->Info().accounts().empty());
}

TEST_F(EndToEndTest, RefusesWhatThePolicyDoesNotAllow) {
  const std::string policy =
      folder_.Write("policy", absl::StrCat(R"(
    access { who { uids: )",
                                           kBobUid, R"( } rights: ALLOCATE heaps: "simulated" }
    access { who { uids: 0 } rights: INSPECT }
  )"));
  Start({absl::StrCat("--policy=", policy)});
  AgentProcess alice(dir(), kAliceUid), bob(dir(), kBobUid);

  EXPECT_EQ(alice.ReasonOf("alloc simulated 4096 1"), "ACCESS_DENIED");
  EXPECT_EQ(bob.ReasonOf("hold simulated 4096 1 1000"), "ACCESS_DENIED");
  bob.Expect("alloc simulated 4096 1");
  EXPECT_EQ(operator_->Reload().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(EndToEndTest, CountsWhatItServes) {
  Start();
  ASSERT_EQ(operator_->Metric("dmaheap_allocations_total", "heap=simulated outcome=ok"), 0);
  ASSERT_EQ(operator_->Metric("dmaheap_queue_wait_seconds", "heap=simulated"), 0);
  ASSERT_EQ(operator_->Metric("dmaheap_sessions"), 0);
  AgentProcess alice(dir(), kAliceUid);

  alice.Expect("alloc simulated 4096 3");
  EXPECT_EQ(alice.ReasonOf("alloc simulated 1099511627776 1"), "SIZE_EXCEEDS_HEAP");

  EXPECT_EQ(operator_->Metric("dmaheap_allocations_total", "heap=simulated outcome=ok"), 1);
  EXPECT_EQ(
      operator_->Metric("dmaheap_allocations_total", "heap=simulated outcome=size_exceeds_heap"),
      1);
  EXPECT_EQ(operator_->Metric("dmaheap_attempts_total", "heap=simulated result=ok"), 1);
  EXPECT_EQ(operator_->Metric("dmaheap_allocation_duration_seconds", "heap=simulated"), 1);
  EXPECT_EQ(operator_->Metric("dmaheap_queue_wait_seconds", "heap=simulated"), 1);
  EXPECT_EQ(operator_->Metric("dmaheap_live_buffers", "heap=simulated"), 3);
  EXPECT_EQ(operator_->Metric("dmaheap_live_bytes", "heap=simulated"), 3 * 4096);
  EXPECT_EQ(operator_->Metric("dmaheap_heap_size_bytes", "heap=simulated"), 64 * kMiB);
  EXPECT_EQ(operator_->Metric("dmaheap_sessions"), 1);
  EXPECT_EQ(operator_->Metric("dmaheap_build_info", absl::StrCat("version=", kVersion)), 1);
}

TEST_F(EndToEndTest, TellsItsMetricsOnlyToWhoMayInspect) {
  const std::string policy = folder_.Write("policy", R"(access { who { uids: 0 } rights: ADMIN })");
  Start({absl::StrCat("--policy=", policy)});

  v1::Metrics metrics;
  const absl::Status refused = FromGrpcStatus(operator_->GetMetrics(metrics));

  EXPECT_EQ(GetReason(refused), ErrorReason::ACCESS_DENIED) << refused;
  EXPECT_EQ(GetErrorValue(refused, "right"), "INSPECT");
  EXPECT_EQ(metrics.families_size(), 0);
}

TEST_F(EndToEndTest, KeepsItsPolicyWhenTheNewOneIsWrong) {
  const char* good = R"(
    access { who { everybody: true } rights: ALLOCATE heaps: "*" }
    access { who { uids: 0 } rights: INSPECT rights: ADMIN }
  )";
  const std::string policy = folder_.Write("policy", good);
  Start({absl::StrCat("--policy=", policy)});
  AgentProcess alice(dir(), kAliceUid);

  folder_.Write("policy", "access { who { everybody: true }\n  rihgts: ALLOCATE }\n");
  const absl::Status refused = FromGrpcStatus(operator_->Reload());
  EXPECT_EQ(GetReason(refused), ErrorReason::INVALID_POLICY);
  EXPECT_NE(refused.message().find(":2:"), absl::string_view::npos) << refused;
  daemon_->Signal(SIGHUP);
  EXPECT_NE(daemon_->WaitLog("event=policy_kept"), "");
  alice.Expect("alloc simulated 4096 1");

  folder_.Write("policy", R"(access { who { uids: 0 } rights: ADMIN })");
  daemon_->Signal(SIGHUP);
  EXPECT_NE(daemon_->WaitLog("event=policy_loaded"), "");
  EXPECT_EQ(alice.ReasonOf("alloc simulated 4096 1"), "ACCESS_DENIED");
}

TEST_F(EndToEndTest, ChecksAPolicyWithoutPuttingItInForce) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const std::string nobody = R"(access { who { uids: 0 } rights: ADMIN })";

  v1::CheckPolicyResponse wrong;
  ASSERT_TRUE(operator_->Check(nobody + "\nquota { }", wrong).ok());
  ASSERT_EQ(wrong.problems_size(), 1);
  EXPECT_EQ(wrong.problems(0).line(), 2);
  v1::CheckPolicyResponse right;
  ASSERT_TRUE(operator_->Check(nobody, right).ok());
  EXPECT_NE(right.explanation().find("uid 0 may administer the daemon"), std::string::npos)
      << right.explanation();
  // As long as a file may be.
  std::string longest = nobody + "\n#";
  longest.resize(kMaxPolicyBytes, 'x');
  v1::CheckPolicyResponse response;
  EXPECT_TRUE(operator_->Check(longest, response).ok());
  EXPECT_EQ(GetReason(FromGrpcStatus(operator_->Check(longest + "x", response))),
            ErrorReason::INVALID_POLICY);

  alice.Expect("alloc simulated 4096 1");
}

TEST_F(EndToEndTest, AVirtualHeapServesFromTheHeapBehindIt) {
  Start();
  AgentProcess alice(dir(), kAliceUid);

  alice.Expect("alloc linux,cma-nofail 4096 1");

  const std::vector<v1::Buffer> buffers = operator_->Buffers();
  ASSERT_EQ(buffers.size(), 1u);
  EXPECT_EQ(buffers[0].heap(), "heaps/simulated");
}

TEST_F(EndToEndTest, SaysThatAReloadLeavesTheHeapsAsTheyAre) {
  const std::string rules = R"(access { who { everybody: true } rights: ALLOCATE heaps: "*" })";
  const std::string policy = folder_.Write("policy", rules);
  Start({absl::StrCat("--policy=", policy)});
  AgentProcess alice(dir(), kAliceUid);

  folder_.Write("policy",
                absl::StrCat(rules, R"( simulated_heaps { name: "more" size_bytes: 8192 })"));
  daemon_->Signal(SIGHUP);

  EXPECT_NE(daemon_->WaitLog("event=heaps_kept"), "");
  EXPECT_NE(daemon_->WaitLog("event=policy_loaded"), "");
  EXPECT_EQ(alice.ReasonOf("alloc more 4096 1"), "HEAP_NOT_FOUND");
}

TEST_F(EndToEndTest, GivesNoSecondBufferForARepeatedRequestId) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  alice.Expect("allocid once simulated 4096 1");

  EXPECT_EQ(alice.ReasonOf("allocid once simulated 8192 1"), "REQUEST_ID_REUSED");
  alice.Ask("allocid once simulated 4096 1");

  EXPECT_EQ(operator_->Buffers().size(), 1u);
}

TEST_F(EndToEndTest, AClientReconnectsAfterItsBrokerDied) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto names = alice.Expect("alloc simulated 4096 1");

  RestartBroker();

  alice.Expect("alloc simulated 4096 1");
  // What it had is untouched.
  alice.Expect(absl::StrCat("check ", names[0]));
}

TEST_F(EndToEndTest, WhatIsChargedStaysChargedOverADeathOfTheBrokerUntilTheMemoryIsGone) {
  Start();
  auto alice = std::make_unique<AgentProcess>(dir(), kAliceUid);
  AgentProcess bob(dir(), kBobUid);
  const auto names = alice->Expect(absl::StrCat("alloc simulated ", kMiB, " 3"));
  bob.Expect(absl::StrCat("alloc simulated ", kMiB, " 1"));
  alice->Expect(absl::StrCat("closefd ", names[2]));

  RestartBroker();

  // What went without any broker to see it is not charged.
  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->ChargedBytes(kAliceUid) == 2 * kMiB; }));
  EXPECT_EQ(operator_->ChargedBytes(kBobUid), kMiB);
  EXPECT_EQ(operator_->StateOf(names[0]), v1::Buffer::ORPHANED);
  EXPECT_EQ(operator_->Info().accounting(), v1::WATCH);

  alice->Expect(absl::StrCat("closefd ", names[0]));
  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->ChargedBytes(kAliceUid) == kMiB; }));
  alice->Kill();
  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->ChargedBytes(kAliceUid) == 0; }));
}

TEST_F(EndToEndTest, AQuotaHoldsOverDeathsOfTheBroker) {
  const std::string policy =
      folder_.Write("policy", R"(access { who { everybody: true } rights: ALLOCATE heaps: "*" }
                   quotas { who { everybody: true } max_buffers: 3 })");
  Start({absl::StrCat("--policy=", policy)});
  AgentProcess alice(dir(), kAliceUid);

  for (int i = 0; i < 3; ++i) {
    alice.Expect("alloc simulated 4096 1");
    RestartBroker();
  }

  EXPECT_EQ(alice.ReasonOf("alloc simulated 4096 1"), "QUOTA_EXCEEDED");
}

TEST_F(EndToEndTest, FramesOfLiveBuffersAreNotGivenOutAgainAfterADeathOfTheBroker) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  alice.Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));

  RestartBroker();

  EXPECT_NE(alice.ReasonOf(absl::StrCat("alloc simulated ", 60 * kMiB, " 1")), "");
}

TEST_F(EndToEndTest, AHeldBufferSurvivesTheBrokerAndIsClaimedFromTheNext) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  AgentProcess bob(dir(), kBobUid);
  const auto held = alice.Expect("hold simulated 4096 1 60000");
  ASSERT_EQ(held.size(), 2u);

  RestartBroker();

  EXPECT_EQ(operator_->StateOf(held[1]), v1::Buffer::HELD);
  bob.Expect(absl::StrCat("claim ", held[1], " ", held[0]));
  bob.Expect(absl::StrCat("check ", held[1]));
  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->ChargedBytes(kBobUid) == 4096; }));
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 0);
  EXPECT_EQ(BrokerBufferFds(), 0);
}

TEST_F(EndToEndTest, WhatIsChargedStaysChargedWhenTheWholeDaemonIsKilledAndStartedAgain) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto names = alice.Expect(absl::StrCat("alloc simulated ", kMiB, " 2"));

  KillAll();
  Start();

  // The watches died with the keeper.
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 2 * kMiB);
  EXPECT_EQ(operator_->StateOf(names[0]), v1::Buffer::ORPHANED);
  EXPECT_EQ(operator_->Info().accounting(), v1::PARTIAL);
}

TEST_F(EndToEndTest, TheProberFindsWhatIsGoneWhereTheWatchesDied) {
  if (!EveryProcessCanBeLookedInto()) {
    GTEST_SKIP() << "a process here lets nobody look into it: no scan proves anything";
  }
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto names = alice.Expect(absl::StrCat("alloc simulated ", kMiB, " 2"));
  KillAll();
  alice.Expect(absl::StrCat("closefd ", names[1]));

  Start();

  EXPECT_TRUE(operator_->Within(10, [&] { return operator_->ChargedBytes(kAliceUid) == kMiB; }));
  alice.Expect(absl::StrCat("closefd ", names[0]));
  EXPECT_TRUE(operator_->Within(10, [&] { return operator_->ChargedBytes(kAliceUid) == 0; }));
  EXPECT_EQ(operator_->Info().accounting(), v1::WATCH);
}

TEST_F(EndToEndTest, ServesWhereTheJournalCanNotBeWritten) {
  Start();
  ASSERT_EQ(daemon_->Log().find("event=no_journal"), std::string::npos);
  // A folder in its place.
  std::filesystem::remove(dir() + "/state/journal");
  std::filesystem::create_directory(dir() + "/state/journal");

  RestartBroker();

  AgentProcess alice(dir(), kAliceUid);
  alice.Expect("alloc simulated 4096 1");
  EXPECT_NE(daemon_->Log().find("event=no_journal"), std::string::npos);
  std::filesystem::remove(dir() + "/state/journal");
}

TEST_F(EndToEndTest, ACleanStopLeavesNothingBehind) {
  Start();
  AgentProcess(dir(), kAliceUid).Expect("alloc simulated 4096 1");
  ASSERT_TRUE(operator_->Within(5, [&] { return operator_->Buffers().empty(); }));

  daemon_->Signal(SIGTERM);
  ASSERT_EQ(daemon_->WaitExit(), 0);
  daemon_.reset();

  EXPECT_FALSE(std::filesystem::exists(dir()));
}

}  // namespace
}  // namespace dmaheap

// Requests whose policy has a barrier, with a real daemon over a real cgroup: from the failed
// attempt in the broker to the processes that stand still, and back.
//
// The simulated area has no pins. But where one page at its begin is taken, what is left is one
// free run, of which nothing nearly as long begins at a multiple of 1 MiB, as such a buffer must:
// there is room, and the attempt fails, as it does with a pinned page.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/dmaheap.h"
#include "daemon/keeper/testing/real_cgroup.h"
#include "gtest/gtest.h"
#include "proto/wire.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"
#include "tests/e2e/watch_stream.h"

namespace dmaheap {
namespace {

constexpr char kPolicy[] = R"(
    access { who { everybody: true } rights: [ALLOCATE, INSPECT] heaps: '*' retry_policies: '*' }
    retry_policies { name: 'barrier' max_backoff { nanos: 10000000 } barrier { cgroup: '$0' } })";

constexpr int64_t kPage = 4096;
// Of the 64 MiB but for that page.
constexpr int64_t kNearlyAll = 64 * kMiB - 2 * kPage;

bool FailedBehindABarrier(const v1::Allocation& allocation) {
  return allocation.state() == v1::Allocation::BACKING_OFF &&
         allocation.attempts_behind_barrier() > 0;
}

class BarrierTest : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    if (IsSkipped()) return;
    cgroup_ = RealCgroup::Make();
    if (cgroup_ == nullptr) GTEST_SKIP() << "no cgroup (v2) can be made here";
    // One that stands still at once.
    cgroup_->AddProcess(cgroup_->path());
    const std::string policy = absl::Substitute(kPolicy, cgroup_->path());
    Start({"--policy=" + folder_.Write("policy", policy), "--barrier-cgroup=" + cgroup_->path()});
    auto client = Client::Connect({.socket_dir = dir()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  void TearDown() override {
    watch_.reset();
    // Cancels what is under way.
    client_.reset();
    in_the_way_.reset();
    DaemonFixture::TearDown();
  }

  void PutInTheWay(int64_t size_bytes) {
    auto buffer = client_->Allocate({.heap = "simulated", .size_bytes = size_bytes});
    ASSERT_TRUE(buffer.ok()) << buffer.status();
    in_the_way_ = *std::move(buffer);
  }
  // Asks for nearly all of the area, for as long as it takes.
  void Ask() {
    watch_ = std::make_unique<WatchStream>(ConnectWatcher(absl::StrCat(dir(), "/", kRpcSocketName)),
                                           "asked");
    client_->AllocateAsync({.heap = "simulated",
                            .size_bytes = kNearlyAll,
                            .deadline = absl::InfiniteDuration(),
                            .request_id = "asked",
                            .retry_policy = "barrier"},
                           [](const absl::StatusOr<Buffer>&) {});
  }
  v1::Allocation AfterAttempts(int attempts) {
    return watch_->NextThat(
        [attempts](const v1::Allocation& now) { return now.attempts() >= attempts; });
  }

  std::unique_ptr<RealCgroup> cgroup_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<WatchStream> watch_;
  absl::optional<Buffer> in_the_way_;
};

TEST_F(BarrierTest, WhatFailsThoughThereIsRoomIsTriedWhileTheCgroupStandsStill) {
  PutInTheWay(kPage);
  Ask();

  const v1::Allocation failed = watch_->NextThat(FailedBehindABarrier);
  const std::string thawed =
      daemon_->WaitLog(absl::StrCat("event=thawed cgroup=", cgroup_->path()));
  in_the_way_.reset();
  const v1::Allocation served = watch_->NextThat(
      [](const v1::Allocation& now) { return now.state() == v1::Allocation::SUCCEEDED; });

  EXPECT_EQ(failed.obstacle(), v1::Allocation::PINNED);
  EXPECT_GE(failed.attempts(), 2);
  EXPECT_GT(NumberIn(thawed, "frozen_us"), 0) << thawed;
  EXPECT_GE(served.attempts_behind_barrier(), failed.attempts_behind_barrier());
  EXPECT_TRUE(
      operator_->Within(20, [&] { return !cgroup_->IsFrozen() && !cgroup_->IsAskedToFreeze(); }));
}

TEST_F(BarrierTest, ACgroupWithAClientIsNotFrozenAndTheRequestGoesOnWithout) {
  AgentProcess inside(dir(), kAliceUid);
  RealCgroup::Move(inside.pid(), cgroup_->path());
  PutInTheWay(kPage);
  Ask();

  const v1::Allocation without = AfterAttempts(20);
  EXPECT_EQ(without.attempts_behind_barrier(), 0);
  // Who may be frozen is looked at anew each time.
  cgroup_->MoveOut(inside.pid());
  const v1::Allocation with = watch_->NextThat(FailedBehindABarrier);

  EXPECT_GT(with.attempts(), without.attempts());
}

TEST_F(BarrierTest, WhoLacksRoomFreezesNobody) {
  PutInTheWay(32 * kMiB);
  Ask();

  EXPECT_EQ(AfterAttempts(20).attempts_behind_barrier(), 0);

  EXPECT_EQ(daemon_->Log().find("event=thawed"), std::string::npos);
}

TEST_F(BarrierTest, ARequestThatIsCancelledLeavesNobodyFrozen) {
  PutInTheWay(kPage);
  Ask();
  watch_->NextThat(FailedBehindABarrier);

  client_.reset();

  EXPECT_TRUE(operator_->Within(20, [&] { return operator_->Allocations().empty(); }));
  EXPECT_TRUE(
      operator_->Within(20, [&] { return !cgroup_->IsFrozen() && !cgroup_->IsAskedToFreeze(); }));
}

}  // namespace
}  // namespace dmaheap

// Requests that wait for memory which somebody has: seen, told, cancelled, served.

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"

namespace dmaheap {
namespace {

class NofailTest : public DaemonFixture {
 protected:
  // Whether a request of uid waits for its next attempt, and what for.
  bool Waits(uid_t uid, v1::Allocation::Obstacle obstacle) {
    for (const v1::Allocation& allocation : operator_->Allocations()) {
      if (allocation.owner_uid() == uid && allocation.state() == v1::Allocation::BACKING_OFF &&
          allocation.obstacle() == obstacle) {
        return true;
      }
    }
    return false;
  }

  static std::string Wait(int64_t mib) {
    return absl::StrCat("wait linux,cma-nofail ", mib * kMiB, " 1");
  }
};

TEST_F(NofailTest, WaitsUntilSomebodyReleasesAndIsSeenMeanwhile) {
  Start();
  AgentProcess alice(dir(), kAliceUid), bob(dir(), kBobUid);
  const auto held = alice.Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));
  ASSERT_EQ(held.size(), 1u);

  bob.Tell(Wait(60));
  EXPECT_TRUE(operator_->Within(20, [&] { return Waits(kBobUid, v1::Allocation::NO_ROOM); }));
  EXPECT_FALSE(bob.Answered());
  alice.Expect(absl::StrCat("release ", held[0]));

  const auto words = bob.Answer();
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0], "ok");
  bob.Expect(absl::StrCat("check ", words[1]));
  EXPECT_TRUE(operator_->Allocations().empty());
}

TEST_F(NofailTest, AWaiterThatIsKilledLeavesTheLineAndGivesItsChargeBack) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const auto held = alice.Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));
  AgentProcess bob(dir(), kBobUid);
  bob.Tell(Wait(60));
  ASSERT_TRUE(operator_->Within(20, [&] { return Waits(kBobUid, v1::Allocation::NO_ROOM); }));

  bob.Kill();

  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->Allocations().empty(); }));
  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->ChargedBytes(kBobUid) == 0; }));
  alice.Expect(absl::StrCat("release ", held[0]));
}

// 64 MiB: alice has 2 and wants 25, bob has 40 and wants 23.
TEST_F(NofailTest, TwoThatWaitForEachOtherAreToldAndOneReleaseFreesBoth) {
  Start();
  AgentProcess alice(dir(), kAliceUid), alices_waiter(dir(), kAliceUid);
  AgentProcess bob(dir(), kBobUid), bobs_waiter(dir(), kBobUid);
  alice.Expect(absl::StrCat("alloc simulated ", 2 * kMiB, " 1"));
  const auto held = bob.Expect(absl::StrCat("alloc simulated ", 40 * kMiB, " 1"));
  ASSERT_EQ(held.size(), 1u);

  bobs_waiter.Tell(Wait(23));
  ASSERT_TRUE(operator_->Within(20, [&] { return Waits(kBobUid, v1::Allocation::OWN_BUFFERS); }));
  alices_waiter.Tell(Wait(25));
  EXPECT_TRUE(operator_->Within(20, [&] { return Waits(kAliceUid, v1::Allocation::EACH_OTHER); }));
  bob.Expect(absl::StrCat("release ", held[0]));

  for (AgentProcess* waiter : {&alices_waiter, &bobs_waiter}) {
    const auto words = waiter->Answer();
    ASSERT_FALSE(words.empty());
    EXPECT_EQ(words[0], "ok");
  }
}

}  // namespace
}  // namespace dmaheap

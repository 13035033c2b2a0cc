// Buffers that were booked ahead, with a real daemon: there when they are drawn, whatever died
// since.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

// Long enough for a broker to come back, on a busy machine and under sanitizers too.
constexpr int64_t kLongLeaseMs = 60'000;
// Over as soon as one looks.
constexpr int64_t kShortLeaseMs = 50;

class ReservationsTest : public DaemonFixture {
 protected:
  // The name of a new reservation of count x mib.
  static std::string Book(AgentProcess& agent, int64_t mib, int count,
                          int64_t lease_ms = kLongLeaseMs) {
    const auto words =
        agent.Expect(absl::StrCat("reserve simulated ", mib * kMiB, " ", count, " ", lease_ms));
    return words.empty() ? "" : words[0];
  }

  // READY DRAWN REFILLS CLIENT.
  static std::vector<std::string> Look(AgentProcess& agent, const std::string& reservation) {
    return agent.Expect(absl::StrCat("booked ", reservation));
  }
  static std::string ReadyOf(AgentProcess& agent, const std::string& reservation) {
    const auto words = Look(agent, reservation);
    return words.empty() ? "" : words[0];
  }
  static std::string KeeperOf(AgentProcess& agent, const std::string& reservation) {
    const auto words = Look(agent, reservation);
    return words.size() < 4 ? "" : words[3];
  }

  // The names of the buffers that are ready.
  std::vector<std::string> Ready() {
    std::vector<std::string> names;
    for (const v1::Buffer& buffer : operator_->Buffers()) {
      if (buffer.state() == v1::Buffer::RESERVED) names.push_back(buffer.name());
    }
    return names;
  }
};

TEST_F(ReservationsTest, WhatIsBookedIsThereAlsoWhenTheAreaIsFullAndIsMadeAgainAfterItsRelease) {
  Start();
  AgentProcess alice(dir(), kAliceUid), bob(dir(), kBobUid);
  const std::string reservation = Book(alice, 16, 2);
  EXPECT_THAT(Ready(), SizeIs(2));
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 32 * kMiB);
  // No attempt of the heap could succeed from here on.
  bob.Expect(absl::StrCat("alloc simulated ", 32 * kMiB, " 1"));

  const auto drawn = alice.Expect(absl::StrCat("draw ", reservation, " 2"));

  ASSERT_THAT(drawn, SizeIs(3));
  EXPECT_EQ(drawn[0], "2");
  for (int i : {1, 2}) {
    alice.Expect(absl::StrCat("check ", drawn[i]));
    alice.Expect(absl::StrCat("touch ", drawn[i]));
    EXPECT_EQ(operator_->StateOf(drawn[i]), v1::Buffer::DELIVERED);
  }
  EXPECT_THAT(Ready(), IsEmpty());

  alice.Expect(absl::StrCat("release ", drawn[1]));

  EXPECT_TRUE(operator_->Within(20, [&] { return ReadyOf(alice, reservation) == "1"; }));
  const auto again = alice.Expect(absl::StrCat("draw ", reservation, " 1"));
  ASSERT_THAT(again, SizeIs(2));
  EXPECT_EQ(again[0], "1");
  // Nobody sees what was written before.
  alice.Expect(absl::StrCat("check ", again[1]));
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 32 * kMiB);
}

TEST_F(ReservationsTest, ADrawOfMoreThanIsReadyGetsTheRestFromTheHeap) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const std::string reservation = Book(alice, 4, 1);

  const auto drawn = alice.Expect(absl::StrCat("draw ", reservation, " 3"));

  ASSERT_THAT(drawn, SizeIs(4));
  EXPECT_EQ(drawn[0], "1");
  for (size_t i = 1; i < drawn.size(); ++i) alice.Expect(absl::StrCat("check ", drawn[i]));
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 12 * kMiB);
}

TEST_F(ReservationsTest, WhereTheAreaHasNoRoomTheBookingSaysSoAndNothingIsLeftOfIt) {
  Start();
  AgentProcess alice(dir(), kAliceUid), bob(dir(), kBobUid);
  bob.Expect(absl::StrCat("alloc simulated ", 32 * kMiB, " 1"));

  const std::string reason =
      alice.ReasonOf(absl::StrCat("reserve simulated ", 16 * kMiB, " 3 ", kLongLeaseMs));

  EXPECT_EQ(reason, "HEAP_EXHAUSTED");
  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->ChargedBytes(kAliceUid) == 0; }));
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_EQ(alice.ReasonOf(absl::StrCat("reserve simulated ", 40 * kMiB, " 2 ", kLongLeaseMs)),
            "SIZE_EXCEEDS_HEAP");
}

TEST_F(ReservationsTest, OfAKilledClientAnotherOfItsUserTakesItUpAndNobodyElse) {
  Start();
  AgentProcess other(dir(), kAliceUid), bob(dir(), kBobUid);
  std::string reservation;
  {
    AgentProcess alice(dir(), kAliceUid);
    reservation = Book(alice, 4, 2);
    alice.Kill();
  }
  EXPECT_TRUE(operator_->Within(5, [&] { return KeeperOf(other, reservation) == "-"; }));

  EXPECT_EQ(bob.ReasonOf(absl::StrCat("draw ", reservation, " 1")), "RESERVATION_NOT_FOUND");
  const auto drawn = other.Expect(absl::StrCat("draw ", reservation, " 1"));

  ASSERT_THAT(drawn, SizeIs(2));
  EXPECT_EQ(drawn[0], "1");
  EXPECT_NE(KeeperOf(other, reservation), "-");
}

TEST_F(ReservationsTest, OfAKilledClientItEndsWithItsLease) {
  Start();
  AgentProcess alice(dir(), kAliceUid), other(dir(), kAliceUid);
  const std::string reservation = Book(alice, 4, 2, kShortLeaseMs);
  EXPECT_THAT(Ready(), SizeIs(2));

  alice.Kill();

  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->Buffers().empty(); }));
  EXPECT_EQ(other.ReasonOf(absl::StrCat("booked ", reservation)), "RESERVATION_NOT_FOUND");
  EXPECT_TRUE(operator_->Info().accounts().empty());
}

TEST_F(ReservationsTest, DeletingFreesWhatIsReadyAndLeavesWhatIsDrawn) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const std::string reservation = Book(alice, 4, 2);
  const auto drawn = alice.Expect(absl::StrCat("draw ", reservation, " 1"));
  ASSERT_THAT(drawn, SizeIs(2));

  alice.Expect(absl::StrCat("unreserve ", reservation));

  EXPECT_TRUE(operator_->Within(5, [&] { return operator_->Buffers().size() == 1; }));
  alice.Expect(absl::StrCat("check ", drawn[1]));
  EXPECT_EQ(alice.ReasonOf(absl::StrCat("unreserve ", reservation)), "RESERVATION_NOT_FOUND");
}

TEST_F(ReservationsTest, WhatIsReadyOutlivesAKilledBrokerAndCanBeDrawnFromTheNext) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  const std::string reservation = Book(alice, 4, 3);
  const auto ready = Ready();
  ASSERT_THAT(ready, SizeIs(3));

  RestartBroker();

  EXPECT_THAT(Ready(), UnorderedElementsAreArray(ready));
  const auto drawn = alice.Expect(absl::StrCat("draw ", reservation, " 3"));
  ASSERT_THAT(drawn, SizeIs(4));
  EXPECT_EQ(drawn[0], "3");
  EXPECT_THAT(std::vector<std::string>(drawn.begin() + 1, drawn.end()),
              UnorderedElementsAreArray(ready));
  for (const std::string& name : ready) alice.Expect(absl::StrCat("check ", name));
  EXPECT_EQ(operator_->ChargedBytes(kAliceUid), 12 * kMiB);
}

TEST_F(ReservationsTest, AnIdleClientKeepsItThroughAKilledBroker) {
  Start();
  AgentProcess alice(dir(), kAliceUid), observer(dir(), kAliceUid);
  const std::string reservation = Book(alice, 4, 2);

  // alice is not told to do anything from here on.
  for (int i = 0; i < 3; ++i) {
    RestartBroker();
    EXPECT_TRUE(operator_->Within(20, [&] { return KeeperOf(observer, reservation) != "-"; }));
    EXPECT_EQ(ReadyOf(observer, reservation), "2");
  }
}

TEST_F(ReservationsTest, OneThatNobodyKeepsOutlivesAKilledBrokerForItsLease) {
  Start();
  AgentProcess other(dir(), kAliceUid);
  std::string reservation;
  {
    AgentProcess alice(dir(), kAliceUid);
    reservation = Book(alice, 4, 2);
    alice.Kill();
  }

  RestartBroker();

  EXPECT_THAT(Look(other, reservation), ElementsAre("2", "0", "0", "-"));
  const auto drawn = other.Expect(absl::StrCat("draw ", reservation, " 2"));
  ASSERT_THAT(drawn, SizeIs(3));
  EXPECT_EQ(drawn[0], "2");
}

}  // namespace
}  // namespace dmaheap

#include "client/internal/slot_gate.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap::client_internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SlotGateTest, AdmitsUpToTheWindowAtOnce) {
  SlotGate gate(4);

  EXPECT_EQ(gate.Enter(3, [] {}), 0u);
  EXPECT_EQ(gate.Enter(1, [] {}), 0u);
  EXPECT_NE(gate.Enter(1, [] {}), 0u);
}

TEST(SlotGateTest, FirstComeFirstServedAlsoWhenASmallOneWouldFit) {
  SlotGate gate(4);
  std::vector<int> order;
  gate.Enter(3, [] {});
  gate.Enter(4, [&] { order.push_back(4); });
  gate.Enter(1, [&] { order.push_back(1); });
  EXPECT_THAT(order, IsEmpty());

  gate.Leave(3);
  EXPECT_THAT(order, ElementsAre(4));
  gate.Leave(4);

  EXPECT_THAT(order, ElementsAre(4, 1));
}

TEST(SlotGateTest, WithdrawingALargeOneLetsTheSmallOnesBehindItIn) {
  SlotGate gate(4);
  bool small_in = false;
  gate.Enter(3, [] {});
  const uint64_t large = gate.Enter(4, [] { FAIL(); });
  gate.Enter(1, [&] { small_in = true; });

  EXPECT_TRUE(gate.Withdraw(large));

  EXPECT_TRUE(small_in);
  EXPECT_FALSE(gate.Withdraw(large));
}

TEST(SlotGateTest, ARequestAboveTheWindowTakesAllOfIt) {
  SlotGate gate(4);

  EXPECT_EQ(gate.SlotsFor(33), 4);
  EXPECT_EQ(gate.SlotsFor(2), 2);
  EXPECT_EQ(gate.SlotsFor(0), 1);
  EXPECT_EQ(gate.SlotsFor(-7), 1);
}

TEST(SlotGateTest, ASmallerWindowStillAdmitsWhoIsAlone) {
  SlotGate gate(8);
  bool in = false;
  gate.Enter(8, [] {});
  gate.Enter(8, [&] { in = true; });

  gate.SetWindow(2);
  EXPECT_FALSE(in);
  gate.Leave(8);

  EXPECT_TRUE(in);
}

TEST(SlotGateTest, ALargerWindowAdmitsWhoWaits) {
  SlotGate gate(1);
  bool in = false;
  gate.Enter(1, [] {});
  gate.Enter(1, [&] { in = true; });

  gate.SetWindow(2);

  EXPECT_TRUE(in);
}

TEST(SlotGateTest, WaitingEndsAtTheDeadlineAndTakesNothing) {
  SlotGate gate(1);
  gate.Enter(1, [] {});

  EXPECT_FALSE(gate.EnterAndWait(1, Deadline::After(absl::Milliseconds(5))));

  gate.Leave(1);
  EXPECT_EQ(gate.Enter(1, [] {}), 0u);
}

TEST(SlotGateTest, ThreadsNeverExceedTheWindow) {
  SlotGate gate(5);
  std::atomic<int> taken{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const int slots = 1 + (t + i) % 5;
        if (!gate.EnterAndWait(slots, Deadline::After(absl::InfiniteDuration()))) continue;
        if ((taken += slots) > 5) exceeded = true;
        std::this_thread::yield();
        taken -= slots;
        gate.Leave(slots);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_FALSE(exceeded);
  EXPECT_EQ(gate.Enter(5, [] {}), 0u);
}

}  // namespace
}  // namespace dmaheap::client_internal

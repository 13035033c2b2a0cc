#include "daemon/core/obstacle.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr int64_t kMiB = 1 << 20;

// Waits for one buffer.
ObstacleFacts Waiter(int64_t mib, absl::optional<int64_t> free_mib,
                     absl::optional<int64_t> largest_mib = absl::nullopt) {
  ObstacleFacts facts;
  facts.buffer_bytes = facts.missing_bytes = mib * kMiB;
  if (free_mib.has_value()) facts.usage.free_bytes = *free_mib * kMiB;
  if (largest_mib.has_value()) facts.usage.largest_free_bytes = *largest_mib * kMiB;
  return facts;
}

TEST(ObstacleTest, WhereThereIsRoomAPageIsInTheWay) {
  EXPECT_EQ(ObstacleOf(Waiter(60, 64)), v1::Allocation::PINNED);
  EXPECT_EQ(ObstacleOf(Waiter(60, 64, 60)), v1::Allocation::PINNED);
}

TEST(ObstacleTest, WhereNobodyKnowsTheRoomAPageIsAssumed) {
  EXPECT_EQ(ObstacleOf(Waiter(60, absl::nullopt)), v1::Allocation::PINNED);
}

TEST(ObstacleTest, TooFewFreeBytesOrTooShortARunAreNoRoom) {
  EXPECT_EQ(ObstacleOf(Waiter(60, 10)), v1::Allocation::NO_ROOM);
  EXPECT_EQ(ObstacleOf(Waiter(10, 40, 9)), v1::Allocation::NO_ROOM);
  EXPECT_EQ(ObstacleOf(Waiter(10, absl::nullopt, 9)), v1::Allocation::NO_ROOM);
}

TEST(ObstacleTest, WhoHoldsEnoughItselfIsTold) {
  ObstacleFacts facts = Waiter(40, 4);
  facts.own_bytes = 36 * kMiB;
  EXPECT_EQ(ObstacleOf(facts), v1::Allocation::OWN_BUFFERS);
  facts.own_bytes = 35 * kMiB;
  EXPECT_EQ(ObstacleOf(facts), v1::Allocation::NO_ROOM);
}

TEST(ObstacleTest, WhoHoldsTheOnlyBufferOfAFragmentedHeapIsTold) {
  ObstacleFacts facts = Waiter(20, 40, 19);
  facts.own_bytes = kMiB;
  EXPECT_EQ(ObstacleOf(facts), v1::Allocation::OWN_BUFFERS);
}

// 64 MiB: A and B hold 30 each, and each wants 40 more.
TEST(ObstacleTest, TwoThatWaitForWhatTheOtherHoldsAreTold) {
  ObstacleFacts facts = Waiter(40, 4);
  facts.own_bytes = 30 * kMiB;
  facts.waiting_others_bytes = 30 * kMiB;
  EXPECT_EQ(ObstacleOf(facts), v1::Allocation::EACH_OTHER);
}

TEST(ObstacleTest, WhereOthersWhoDoNotWaitHoldItThereIsNoKnot) {
  ObstacleFacts facts = Waiter(60, 4);
  facts.waiting_others_bytes = 10 * kMiB;
  EXPECT_EQ(ObstacleOf(facts), v1::Allocation::NO_ROOM);
}

}  // namespace
}  // namespace dmaheap

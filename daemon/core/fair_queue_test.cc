#include "daemon/core/fair_queue.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using Queue = FairQueue<std::string>;

constexpr int kLow = 0;
constexpr int kNormal = 1;
constexpr int kHigh = 2;

const absl::Time kStart = absl::UnixEpoch();

// All came at once.
void Push(Queue& queue, uint32_t uid, const std::string& item, int priority = kNormal) {
  queue.Push(uid, priority, kStart, item);
}

std::string PopAll(Queue& queue, absl::Time now = kStart) {
  std::string order;
  while (auto item = queue.Pop(now)) order += *item + " ";
  return order;
}

TEST(FairQueueTest, UidsTakeTurnsWhateverEachAsks) {
  Queue queue(100, 100);
  for (const char* item : {"a1", "a2", "a3", "a4"}) Push(queue, 1, item);
  Push(queue, 2, "b1");
  Push(queue, 2, "b2");
  Push(queue, 3, "c1");
  EXPECT_EQ(PopAll(queue), "a1 b1 c1 a2 b2 a3 a4 ");
}

TEST(FairQueueTest, WhoComesAfterItsTurnWaitsForTheOthers) {
  Queue queue(100, 100);
  Push(queue, 1, "a1");
  Push(queue, 2, "b1");
  EXPECT_EQ(queue.Pop(kStart), "a1");
  Push(queue, 1, "a2");
  EXPECT_EQ(PopAll(queue), "b1 a2 ");
}

TEST(FairQueueTest, WhoComesBackGoesBeforeTheOthersOfItsUidAlone) {
  Queue queue(100, 100);
  queue.Push(1, kNormal, kStart + absl::Milliseconds(2), "a2");
  queue.Push(2, kNormal, kStart + absl::Milliseconds(3), "b1");
  queue.Push(1, kNormal, kStart + absl::Milliseconds(1), "a1");
  EXPECT_EQ(PopAll(queue, kStart + absl::Milliseconds(4)), "a1 b1 a2 ");
}

TEST(FairQueueTest, AHigherPriorityGoesFirstWithinAUidToo) {
  Queue queue(100, 100);
  Push(queue, 1, "a-low", kLow);
  Push(queue, 1, "a-high", kHigh);
  Push(queue, 2, "b-normal", kNormal);
  Push(queue, 3, "c-high", kHigh);
  EXPECT_EQ(PopAll(queue), "a-high c-high b-normal a-low ");
}

TEST(FairQueueTest, WhoWaitsRisesUntilNoFloodKeepsItOut) {
  Queue queue(100, 100);
  queue.Push(1, kLow, kStart, "old");
  const absl::Time later = kStart + 2 * Queue::kAgeingStep;
  queue.Push(2, kHigh, later, "new1");
  queue.Push(2, kHigh, later, "new2");
  EXPECT_EQ(PopAll(queue, later), "old new1 new2 ");
}

TEST(FairQueueTest, BeforeItHasRisenItWaits) {
  Queue queue(100, 100);
  queue.Push(1, kLow, kStart, "old");
  const absl::Time later = kStart + 2 * Queue::kAgeingStep - absl::Milliseconds(1);
  queue.Push(2, kHigh, later, "new");
  EXPECT_EQ(PopAll(queue, later), "new old ");
}

// The longest that anybody waits behind others is the time to rise, and then a turn of each uid.
TEST(FairQueueTest, OvertakingIsBoundedUnderAFloodForEver) {
  Queue queue(10'000, 10'000);
  absl::Time now = kStart;
  queue.Push(1, kLow, now, "patient");
  int overtaken = 0;
  for (int i = 0;; ++i) {
    ASSERT_LT(i, 1000);
    for (uint32_t uid = 2; uid < 6; ++uid) queue.Push(uid, kHigh, now, "flood");
    if (*queue.Pop(now) == "patient") break;
    ++overtaken;
    now += absl::Milliseconds(20);
  }
  EXPECT_LE(overtaken, absl::ToInt64Milliseconds(2 * Queue::kAgeingStep) / 20 + 1);
}

TEST(FairQueueTest, AnEmptyQueueHasNobody) {
  Queue queue(1, 1);
  EXPECT_EQ(queue.Pop(kStart), absl::nullopt);
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(FairQueueTest, AdmissionIsBoundedOverAll) {
  Queue queue(3, 2);
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(2));
  EXPECT_FALSE(queue.Admit(3));
  queue.Leave(2);
  EXPECT_TRUE(queue.Admit(3));
}

TEST(FairQueueTest, AdmissionIsBoundedForEachUid) {
  Queue queue(10, 2);
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_FALSE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(2));
  EXPECT_EQ(queue.admitted(), 3u);
}

TEST(FairQueueTest, AnAdmissionCountsUntilItsEndNotUntilItsTurn) {
  Queue queue(10, 1);
  ASSERT_TRUE(queue.Admit(1));
  Push(queue, 1, "a");
  ASSERT_TRUE(queue.Pop(kStart).has_value());
  EXPECT_FALSE(queue.Admit(1));
  queue.Leave(1);
  EXPECT_TRUE(queue.Admit(1));
}

TEST(FairQueueTest, ALeaveOfWhoWasNotAdmittedChangesNothing) {
  Queue queue(1, 1);
  ASSERT_TRUE(queue.Admit(1));
  queue.Leave(2);
  EXPECT_EQ(queue.admitted(), 1u);
}

TEST(FairQueueTest, RemoveTakesOneOutAndKeepsTheOrder) {
  Queue queue(100, 100);
  for (const char* item : {"a1", "a2", "a3"}) Push(queue, 1, item);
  Push(queue, 2, "b1");
  EXPECT_TRUE(queue.Remove(1, "a2"));
  EXPECT_FALSE(queue.Remove(1, "a2"));
  EXPECT_FALSE(queue.Remove(2, "a1"));
  EXPECT_FALSE(queue.Remove(9, "a1"));
  EXPECT_EQ(queue.waiting(), 3u);
  EXPECT_EQ(PopAll(queue), "a1 b1 a3 ");
}

TEST(FairQueueTest, TakeFindsTheFirstThatIsWanted) {
  Queue queue(100, 100);
  for (const char* item : {"a1", "a2"}) Push(queue, 1, item);
  Push(queue, 2, "b2");
  const auto ends_with_2 = [](const std::string& item) { return item.back() == '2'; };

  EXPECT_EQ(queue.Take(ends_with_2), "a2");
  EXPECT_EQ(queue.Take(ends_with_2), "b2");
  EXPECT_EQ(queue.Take(ends_with_2), absl::nullopt);
  EXPECT_EQ(PopAll(queue), "a1 ");
}

}  // namespace
}  // namespace dmaheap

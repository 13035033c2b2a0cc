#include "daemon/core/fair_queue.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

std::string PopAll(FairQueue<std::string>& queue) {
  std::string order;
  while (auto item = queue.Pop()) order += *item + " ";
  return order;
}

TEST(FairQueueTest, UidsTakeTurnsWhateverEachAsks) {
  FairQueue<std::string> queue(100, 100);
  for (const char* item : {"a1", "a2", "a3", "a4"}) queue.Push(1, item);
  queue.Push(2, "b1");
  queue.Push(2, "b2");
  queue.Push(3, "c1");
  EXPECT_EQ(PopAll(queue), "a1 b1 c1 a2 b2 a3 a4 ");
}

TEST(FairQueueTest, WhoComesAfterItsTurnWaitsForTheOthers) {
  FairQueue<std::string> queue(100, 100);
  queue.Push(1, "a1");
  queue.Push(2, "b1");
  EXPECT_EQ(queue.Pop(), "a1");
  queue.Push(1, "a2");
  EXPECT_EQ(PopAll(queue), "b1 a2 ");
}

TEST(FairQueueTest, WhoComesBackGoesBeforeTheOthersOfItsUidAlone) {
  FairQueue<std::string> queue(100, 100);
  queue.Push(1, "a2");
  queue.Push(2, "b1");
  queue.Push(1, "a1", /*first=*/true);
  EXPECT_EQ(PopAll(queue), "a1 b1 a2 ");
}

TEST(FairQueueTest, AnEmptyQueueHasNobody) {
  FairQueue<std::string> queue(1, 1);
  EXPECT_EQ(queue.Pop(), absl::nullopt);
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(FairQueueTest, AdmissionIsBoundedOverAll) {
  FairQueue<std::string> queue(3, 2);
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(2));
  EXPECT_FALSE(queue.Admit(3));
  queue.Leave(2);
  EXPECT_TRUE(queue.Admit(3));
}

TEST(FairQueueTest, AdmissionIsBoundedForEachUid) {
  FairQueue<std::string> queue(10, 2);
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(1));
  EXPECT_FALSE(queue.Admit(1));
  EXPECT_TRUE(queue.Admit(2));
  EXPECT_EQ(queue.admitted(), 3u);
}

TEST(FairQueueTest, AnAdmissionCountsUntilItsEndNotUntilItsTurn) {
  FairQueue<std::string> queue(10, 1);
  ASSERT_TRUE(queue.Admit(1));
  queue.Push(1, "a");
  ASSERT_TRUE(queue.Pop().has_value());
  EXPECT_FALSE(queue.Admit(1));
  queue.Leave(1);
  EXPECT_TRUE(queue.Admit(1));
}

TEST(FairQueueTest, ALeaveOfWhoWasNotAdmittedChangesNothing) {
  FairQueue<std::string> queue(1, 1);
  ASSERT_TRUE(queue.Admit(1));
  queue.Leave(2);
  EXPECT_EQ(queue.admitted(), 1u);
}

TEST(FairQueueTest, RemoveTakesOneOutAndKeepsTheOrder) {
  FairQueue<std::string> queue(100, 100);
  for (const char* item : {"a1", "a2", "a3"}) queue.Push(1, item);
  queue.Push(2, "b1");
  EXPECT_TRUE(queue.Remove(1, "a2"));
  EXPECT_FALSE(queue.Remove(1, "a2"));
  EXPECT_FALSE(queue.Remove(2, "a1"));
  EXPECT_FALSE(queue.Remove(9, "a1"));
  EXPECT_EQ(queue.waiting(), 3u);
  EXPECT_EQ(PopAll(queue), "a1 b1 a3 ");
}

TEST(FairQueueTest, RemovingTheLastOfAUidTakesItsTurn) {
  FairQueue<std::string> queue(100, 100);
  queue.Push(1, "a1");
  queue.Push(2, "b1");
  EXPECT_TRUE(queue.Remove(1, "a1"));
  queue.Push(1, "a2");
  EXPECT_EQ(PopAll(queue), "b1 a2 ");
}

}  // namespace
}  // namespace dmaheap

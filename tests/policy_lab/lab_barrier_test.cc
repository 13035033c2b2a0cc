#include "tests/policy_lab/lab_barrier.h"

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

using absl::Milliseconds;

TEST(LabBarrierTest, FreezingTakesTwoToThreeMillisecondsOfTheBox) {
  const auto quick = LabBarrier().Raise(Milliseconds(100), Milliseconds(50), 0);
  const auto slow = LabBarrier().Raise(Milliseconds(100), Milliseconds(50), 0.5);
  ASSERT_TRUE(quick.has_value() && slow.has_value());
  EXPECT_EQ(quick->frozen, Milliseconds(102));
  EXPECT_EQ(slow->frozen, Milliseconds(102.5));
  EXPECT_EQ(quick->begin, Milliseconds(100));
  EXPECT_EQ(quick->end, Milliseconds(149));
}

TEST(LabBarrierTest, ABoxCanBeTooShortToStandStillIn) {
  const auto stand = LabBarrier().Raise(Milliseconds(100), Milliseconds(2), 0);
  ASSERT_TRUE(stand.has_value());
  EXPECT_FALSE(stand->frozen.has_value());
}

TEST(LabBarrierTest, IsRefusedOverTheBudgetOfAnySecond) {
  LabBarrier barrier;
  const auto stand = barrier.Raise(Milliseconds(100), Milliseconds(50), 0);
  ASSERT_TRUE(stand.has_value());
  barrier.Thawed(*stand, Milliseconds(120));
  EXPECT_FALSE(barrier.Raise(Milliseconds(200), Milliseconds(50), 0).has_value());
  EXPECT_TRUE(barrier.Raise(Milliseconds(200), Milliseconds(30), 0).has_value());
  EXPECT_TRUE(barrier.Raise(Milliseconds(1100), Milliseconds(50), 0).has_value());
}

TEST(LabBarrierTest, WhatWasFrozenLaterByAnEarlierRequestIsSpent) {
  LabBarrier barrier;
  barrier.Thawed({.begin = Milliseconds(5000), .frozen = {}, .end = Milliseconds(5049)},
                 Milliseconds(5040));
  EXPECT_FALSE(barrier.Raise(Milliseconds(100), Milliseconds(50), 0).has_value());
  EXPECT_TRUE(barrier.Raise(Milliseconds(100), Milliseconds(10), 0).has_value());
}

}  // namespace
}  // namespace dmaheap::policy_lab

#include "daemon/loop/timer_queue.h"

#include <memory>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

const absl::Time kStart = absl::UnixEpoch();
constexpr absl::Duration kMs = absl::Milliseconds(1);

TEST(TimerQueueTest, TellsWhatIsDueInTheOrderOfTimeThenOfMaking) {
  TimerQueue queue;
  const TimerId late = queue.Add(kStart + 3 * kMs, [] {});
  const TimerId first = queue.Add(kStart + kMs, [] {});
  const TimerId second = queue.Add(kStart + kMs, [] {});

  EXPECT_EQ(queue.DueBy(kStart), std::vector<TimerId>());
  EXPECT_EQ(queue.DueBy(kStart + kMs), (std::vector<TimerId>{first, second}));
  EXPECT_EQ(queue.DueBy(kStart + kMs * 3), (std::vector<TimerId>{first, second, late}));
}

TEST(TimerQueueTest, GivesATaskOnce) {
  TimerQueue queue;
  int runs = 0;
  const TimerId timer = queue.Add(kStart, [&] { ++runs; });

  Task task = queue.Take(timer);
  ASSERT_NE(task, nullptr);
  task();

  EXPECT_EQ(runs, 1);
  EXPECT_EQ(queue.Take(timer), nullptr);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(TimerQueueTest, KnowsTheNext) {
  TimerQueue queue;
  EXPECT_EQ(queue.NextAfter(kStart), absl::InfiniteFuture());
  queue.Add(kStart + kMs, [] {});
  const TimerId later = queue.Add(kStart + 2 * kMs, [] {});

  EXPECT_EQ(queue.NextAfter(absl::InfinitePast()), kStart + kMs);
  EXPECT_EQ(queue.NextAfter(kStart + kMs), kStart + 2 * kMs);
  queue.Take(later);
  EXPECT_EQ(queue.NextAfter(kStart + kMs), absl::InfiniteFuture());
}

TEST(TimerQueueTest, WhatATakenTaskOwnsGoesWithIt) {
  TimerQueue queue;
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  const TimerId timer = queue.Add(kStart, [owned = std::move(owned)] {});

  queue.Take(timer);

  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace dmaheap

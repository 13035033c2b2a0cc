#include "client/ctl/progress_text.h"

#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

constexpr int64_t kMiB = 1 << 20;

AllocationProgress Waiting(Obstacle obstacle) {
  AllocationProgress progress;
  progress.attempts = 12;
  progress.state = AllocationState::kBackingOff;
  progress.obstacle = obstacle;
  progress.next_delay = absl::Milliseconds(2440);
  progress.elapsed = absl::Seconds(34);
  progress.heap = "heaps/reserved";
  progress.largest_free_bytes = 4 * kMiB;
  progress.own_bytes = 24 * kMiB;
  progress.waiting_others_bytes = 32 * kMiB;
  progress.last_error = "ENOMEM\x1b";
  return progress;
}

TEST(ProgressTextTest, EachObstacleSaysWhatCouldBeDone) {
  EXPECT_EQ(ProgressText(Waiting(Obstacle::kPinned), absl::ZeroDuration()),
            "attempt 12, 34s, next in 2.5s: pages of reserved can not be moved just now (largest "
            "free run 4MiB)");
  EXPECT_EQ(ProgressText(Waiting(Obstacle::kNoRoom), absl::ZeroDuration()),
            "attempt 12, 34s, next in 2.5s: no room in reserved (largest free run 4MiB); somebody "
            "has to release something");
  EXPECT_EQ(ProgressText(Waiting(Obstacle::kOwnBuffers), absl::ZeroDuration()),
            "attempt 12, 34s, next in 2.5s: you hold 24MiB of reserved yourself; release some: "
            "dmaheapctl get buffers (largest free run 4MiB)");
  EXPECT_EQ(ProgressText(Waiting(Obstacle::kEachOther), absl::ZeroDuration()),
            "attempt 12, 34s, next in 2.5s: others who wait too hold 32MiB of reserved, you 24MiB; "
            "one has to release some: dmaheapctl get buffers (largest free run 4MiB)");
}

TEST(ProgressTextTest, WithoutAKnownObstacleTheLastErrorStandsInItsPlace) {
  EXPECT_EQ(ProgressText(Waiting(Obstacle::kUnspecified), absl::ZeroDuration()),
            "attempt 12, 34s, next in 2.5s: ENOMEM?");
}

TEST(ProgressTextTest, WhatWasToldAWhileAgoIsBroughtUpToDate) {
  EXPECT_EQ(ProgressText(Waiting(Obstacle::kUnspecified), absl::Seconds(1)),
            "attempt 12, 35s, next in 1.5s: ENOMEM?");
  EXPECT_EQ(ProgressText(Waiting(Obstacle::kUnspecified), absl::Seconds(9)),
            "attempt 12, 43s, next in 0: ENOMEM?");
}

TEST(ProgressTextTest, FreeSpaceIsSaidAsFarAsItIsKnown) {
  AllocationProgress progress = Waiting(Obstacle::kPinned);
  progress.largest_free_bytes = absl::nullopt;
  EXPECT_NE(ProgressText(progress, {}).find("(free space not known)"), std::string::npos);
  progress.free_bytes = 8 * kMiB;
  EXPECT_NE(ProgressText(progress, {}).find("(free 8MiB)"), std::string::npos);
}

TEST(ProgressTextTest, APageThatStaysIsToldWithWhoHasIt) {
  AllocationProgress progress = Waiting(Obstacle::kPinned);
  progress.stuck_for = absl::Milliseconds(1370);
  EXPECT_NE(ProgressText(progress, {}).find("a page of reserved has been pinned for 1.3s"),
            std::string::npos)
      << ProgressText(progress, {});
  progress.pinned_by = "cam\nera (pid 42, uid 1047)";
  EXPECT_NE(ProgressText(progress, {}).find("for 1.3s, mapped by cam?era (pid 42, uid 1047)"),
            std::string::npos)
      << ProgressText(progress, {});
}

TEST(ProgressTextTest, EachStateHasItsWords) {
  AllocationProgress progress;
  progress.elapsed = absl::Seconds(2);
  progress.state = AllocationState::kInLine;
  EXPECT_EQ(ProgressText(progress, {}), "in line behind others, 2s");
  progress.state = AllocationState::kAttempting;
  EXPECT_EQ(ProgressText(progress, {}), "first attempt, 2s");
  progress.attempts = 1;
  EXPECT_EQ(ProgressText(progress, {}), "attempt 1, 2s, the heap is at work");
  progress.state = AllocationState::kInLine;
  EXPECT_EQ(ProgressText(progress, {}), "attempt 1, 2s, in line behind others");
  progress.state = AllocationState::kUnspecified;
  EXPECT_EQ(ProgressText(progress, {}), "attempt 1, 2s");
}

}  // namespace
}  // namespace dmaheap::ctl

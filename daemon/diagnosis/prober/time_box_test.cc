#include "daemon/diagnosis/prober/time_box.h"

#include <unistd.h>

#include <cerrno>

#include "gtest/gtest.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

TEST(TimeBoxTest, EndsWhenItsTimeIsOver) {
  absl::Time now = absl::UnixEpoch();
  const TimeBox box(absl::Milliseconds(50), [&] { return now; });
  const TimeBox half = box.FirstHalf();

  EXPECT_FALSE(box.Ended());
  now += absl::Milliseconds(25);
  EXPECT_TRUE(half.Ended());
  EXPECT_FALSE(box.Ended());
  EXPECT_EQ(box.Left(), absl::Milliseconds(25));
  now += absl::Milliseconds(25);
  EXPECT_TRUE(box.Ended());
}

TEST(TimeBoxTest, OneInsideAnotherEndsWithTheEarlier) {
  absl::Time now = absl::UnixEpoch();
  const TimeBox box(absl::Milliseconds(50), [&] { return now; });
  now += absl::Milliseconds(30);
  const TimeBox shorter = box.AtMost(absl::Milliseconds(10));
  const TimeBox longer = box.AtMost(absl::Milliseconds(100));

  now += absl::Milliseconds(10);
  EXPECT_TRUE(shorter.Ended());
  EXPECT_FALSE(longer.Ended());
  now += absl::Milliseconds(10);
  EXPECT_TRUE(longer.Ended());
}

TEST(TimeBoxTest, AnInfiniteOneNeverEnds) {
  EXPECT_FALSE(TimeBox(absl::InfiniteDuration()).Ended());
}

TEST(InterrupterTest, ACallThatSleepsReturnsWithEintr) {
  Interrupter::InstallHandler();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const Interrupter interrupter;
  char byte;

  // Nobody ever writes.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(read(reader.get(), &byte, 1), -1);
    EXPECT_EQ(errno, EINTR);
  }
}

}  // namespace
}  // namespace dmaheap

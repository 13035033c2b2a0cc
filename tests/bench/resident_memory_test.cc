#include "tests/bench/resident_memory.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(ResidentMemoryTest, ReadsTheLinesOfTheKernel) {
  const auto memory = ParseResidentMemory(
      "Name:\tdmaheapd\nVmHWM:\t   40960 kB\nVmRSS:\t   20480 kB\nRssAnon:\t    3584 kB\n"
      "RssFile:\t   16896 kB\n");

  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_DOUBLE_EQ(memory->all, 20);
  EXPECT_DOUBLE_EQ(memory->anonymous, 3.5);
}

TEST(ResidentMemoryTest, RefusesWhatSaysNothing) {
  EXPECT_EQ(ParseResidentMemory("").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ParseResidentMemory("VmRSS:\t many kB\nRssAnon:\t 4 kB\n").status().code(),
            absl::StatusCode::kDataLoss);
  // A process that ended and was not waited for has neither line.
  EXPECT_EQ(ParseResidentMemory("Name:\tx\nState:\tZ (zombie)\n").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(ResidentMemoryTest, KnowsThisProcess) {
  const auto memory = ResidentMemoryOf(getpid());

  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_GT(memory->all, 0);
  EXPECT_LE(memory->anonymous, memory->all);
}

}  // namespace
}  // namespace dmaheap::bench

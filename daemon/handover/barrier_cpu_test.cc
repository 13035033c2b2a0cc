#include "daemon/handover/barrier_cpu.h"

#include <thread>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

cpu_set_t Own() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  return set;
}

// On a thread of its own, so that no other test inherits what it does.
template <typename Body>
void OnThread(Body body) {
  std::thread thread(body);
  thread.join();
}

TEST(BarrierCpuTest, TheTwoPartsHaveNoProcessorInCommonAndLeaveNoneOut) {
  OnThread([] {
    const cpu_set_t all = Own();
    if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "one processor";
    cpu_set_t last;
    cpu_set_t others;
    {
      const BarrierCpu cpu(BarrierCpu::Part::kLast);
      last = Own();
    }
    {
      const BarrierCpu cpu(BarrierCpu::Part::kAllButLast);
      others = Own();
    }
    cpu_set_t both;
    CPU_AND(&both, &last, &others);
    EXPECT_EQ(CPU_COUNT(&last), 1);
    EXPECT_EQ(CPU_COUNT(&both), 0);
    CPU_OR(&both, &last, &others);
    EXPECT_TRUE(CPU_EQUAL(&both, &all));
  });
}

TEST(BarrierCpuTest, AThreadGetsBackWhatItHad) {
  OnThread([] {
    const cpu_set_t before = Own();
    for (const auto part : {BarrierCpu::Part::kLast, BarrierCpu::Part::kAllButLast}) {
      { const BarrierCpu cpu(part); }
      const cpu_set_t after = Own();
      EXPECT_TRUE(CPU_EQUAL(&before, &after));
    }
  });
}

TEST(BarrierCpuTest, AThreadWithOneProcessorKeepsIt) {
  OnThread([] {
    const BarrierCpu one(BarrierCpu::Part::kLast);
    const cpu_set_t before = Own();
    const BarrierCpu cpu(BarrierCpu::Part::kAllButLast);
    const cpu_set_t after = Own();
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
    EXPECT_EQ(CPU_COUNT(&after), 1);
  });
}

}  // namespace
}  // namespace dmaheap

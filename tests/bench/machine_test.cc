#include "tests/bench/machine.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(MachineTest, ReadsTheModelOfTheFirstCpu) {
  EXPECT_EQ(CpuModelIn("processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC: rev 2\n\n"
                       "processor\t: 1\nmodel name\t: other\n"),
            "AMD EPYC: rev 2");
}

TEST(MachineTest, FindsNoModelWhereThereIsNone) {
  EXPECT_EQ(CpuModelIn("processor\t: 0\nBogoMIPS\t: 50.00\n"), "");
  EXPECT_EQ(CpuModelIn(""), "");
}

TEST(MachineTest, KnowsThisMachine) {
  const Machine machine = ThisMachine();

  EXPECT_NE(machine.cpu, "");
  EXPECT_GE(machine.cpus, 1);
  EXPECT_GT(machine.memory_mib, 0);
  EXPECT_NE(machine.kernel, "");
}

}  // namespace
}  // namespace dmaheap::bench

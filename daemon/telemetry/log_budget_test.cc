#include "daemon/telemetry/log_budget.h"

#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class LogBudgetTest : public testing::Test {
 protected:
  int Taken(int times) {
    int taken = 0;
    for (int i = 0; i < times; ++i) taken += budget_.Take() ? 1 : 0;
    return taken;
  }

  VirtualExecutor executor_;
  LogBudget budget_{executor_};
};

TEST_F(LogBudgetTest, ABurstThenOneASecond) {
  EXPECT_EQ(Taken(1000), 20);
  executor_.Advance(absl::Milliseconds(999));
  EXPECT_EQ(Taken(1000), 0);
  executor_.Advance(absl::Milliseconds(2));
  EXPECT_EQ(Taken(1000), 1);
}

TEST_F(LogBudgetTest, CountsWhatIsLeftOutUntilALineSaysSo) {
  Taken(25);
  EXPECT_EQ(budget_.suppressed(), 5);
  EXPECT_EQ(budget_.TakeSuppressed(), 5);
  EXPECT_EQ(budget_.TakeSuppressed(), 0);
}

}  // namespace
}  // namespace dmaheap

#include "daemon/core/holder_trends.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);

TEST(HolderTrends, CountsByHeapAndUser) {
  HolderTrends trends;
  trends.Came("reserved", 1000, kStart);
  trends.Came("reserved", 1000, kStart);
  trends.Went("reserved", 1000, kStart);
  trends.Came("system", 1000, kStart);
  trends.Came("reserved", 1001, kStart);

  const HolderChange change = trends.Of("reserved", 1000, kStart);

  EXPECT_EQ(change.came, 2);
  EXPECT_EQ(change.went, 1);
  EXPECT_EQ(trends.Of("reserved", 1001, kStart).came, 1);
  EXPECT_EQ(trends.Of("reserved", 1002, kStart).came, 0);
}

TEST(HolderTrends, RemembersTheSpanBefore) {
  HolderTrends trends;
  trends.Came("reserved", 1000, kStart);
  trends.Came("reserved", 1000, kStart + HolderTrends::kSpan);

  EXPECT_EQ(trends.Of("reserved", 1000, kStart + HolderTrends::kSpan).came, 2);
}

TEST(HolderTrends, ForgetsWhatIsTwoSpansOld) {
  HolderTrends trends;
  trends.Came("reserved", 1000, kStart);

  EXPECT_EQ(trends.Of("reserved", 1000, kStart + 2 * HolderTrends::kSpan).came, 0);

  trends.Went("reserved", 1000, kStart + 2 * HolderTrends::kSpan);
  EXPECT_EQ(trends.Of("reserved", 1000, kStart + 2 * HolderTrends::kSpan).came, 0);
  EXPECT_EQ(trends.Of("reserved", 1000, kStart + 2 * HolderTrends::kSpan).went, 1);
}

}  // namespace
}  // namespace dmaheap

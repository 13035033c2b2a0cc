#include "daemon/keeper/thaw_margin.h"

#include "daemon/limits.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using absl::Milliseconds;

TEST(ThawMargin, IsAFifthOfAShortBoxAndSoMuchOfALongOne) {
  const ThawMargin margin;
  EXPECT_EQ(margin.For(Milliseconds(2)), Milliseconds(2) / 5);
  EXPECT_EQ(margin.For(Milliseconds(5)), kThawMargin);
  EXPECT_EQ(margin.For(Milliseconds(50)), kThawMargin);
}

TEST(ThawMargin, GrowsToWhatTheLatestThawNeeded) {
  ThawMargin margin;
  margin.Add(Milliseconds(2));
  margin.Add(Milliseconds(3));
  margin.Add(Milliseconds(1));

  EXPECT_EQ(margin.For(Milliseconds(10)), Milliseconds(3) + ThawMargin::kAfterTheWord);
}

TEST(ThawMargin, LeavesHalfOfTheBox) {
  ThawMargin margin;
  margin.Add(Milliseconds(80));

  EXPECT_EQ(margin.For(Milliseconds(5)), Milliseconds(5) / 2);
  EXPECT_EQ(margin.For(Milliseconds(50)), Milliseconds(25));
}

TEST(ThawMargin, ForgetsALateThawAfterMany) {
  ThawMargin margin;
  margin.Add(Milliseconds(4));
  for (int i = 0; i < 255; ++i) margin.Add(absl::ZeroDuration());
  EXPECT_EQ(margin.For(Milliseconds(50)), Milliseconds(4) + ThawMargin::kAfterTheWord);

  margin.Add(absl::ZeroDuration());

  EXPECT_EQ(margin.For(Milliseconds(50)), kThawMargin);
}

TEST(ThawMargin, AThawBeforeItsTimeIsNotLate) {
  ThawMargin margin;
  margin.Add(-Milliseconds(9));
  EXPECT_EQ(margin.For(Milliseconds(50)), kThawMargin);
}

}  // namespace
}  // namespace dmaheap

#include "tests/bench/distribution.h"

#include <vector>

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

std::vector<double> Falling(int count) {
  std::vector<double> samples;
  for (int i = count; i > 0; --i) samples.push_back(i);
  return samples;
}

TEST(DistributionTest, TakesTheSampleOfTheNearestRank) {
  const auto distribution = Describe(Falling(100));

  ASSERT_TRUE(distribution.has_value());
  EXPECT_EQ(distribution->count, 100u);
  EXPECT_EQ(distribution->p50, 50);
  EXPECT_EQ(distribution->p99, 99);
  EXPECT_EQ(distribution->max, 100);
  EXPECT_DOUBLE_EQ(distribution->mean, 50.5);
}

TEST(DistributionTest, RoundsARankUpAndMakesNothingUpBetweenTwoSamples) {
  const auto distribution = Describe(Falling(5));

  EXPECT_EQ(distribution->p50, 3);
  EXPECT_EQ(distribution->p99, 5);
}

TEST(DistributionTest, KnowsOneSample) {
  const auto distribution = Describe({7});

  EXPECT_EQ(distribution->p50, 7);
  EXPECT_EQ(distribution->p99, 7);
}

TEST(DistributionTest, SaysNothingOfNoSamples) { EXPECT_FALSE(Describe({}).has_value()); }

}  // namespace
}  // namespace dmaheap::bench

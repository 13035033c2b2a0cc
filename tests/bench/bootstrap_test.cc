#include "tests/bench/bootstrap.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

std::vector<double> Exponential(size_t count, double mean, uint32_t seed) {
  std::minstd_rand random(seed);
  std::exponential_distribution<double> draw(1 / mean);
  std::vector<double> samples;
  for (size_t i = 0; i < count; ++i) samples.push_back(draw(random));
  return samples;
}

TEST(BootstrapTest, OfSamplesThatDoNotScatterTheRatioIsSure) {
  const auto interval = RatioOfMeans({3, 3, 3}, {2, 2});
  ASSERT_TRUE(interval.has_value());
  EXPECT_DOUBLE_EQ(interval->ratio, 1.5);
  EXPECT_DOUBLE_EQ(interval->low, 1.5);
  EXPECT_DOUBLE_EQ(interval->high, 1.5);
}

TEST(BootstrapTest, MoreSamplesMakeItSurer) {
  const auto few = RatioOfMeans(Exponential(30, 2, 1), Exponential(30, 1, 2));
  const auto many = RatioOfMeans(Exponential(3000, 2, 1), Exponential(3000, 1, 2));
  EXPECT_LT(many->high - many->low, few->high - few->low);
  EXPECT_LT(many->low, 2);
  EXPECT_GT(many->high, 2);
}

// As often as it says, give or take: 200 experiments.
TEST(BootstrapTest, TheIntervalHoldsTheTruthNineteenTimesInTwenty) {
  int held = 0;
  for (uint32_t i = 1; i <= 200; ++i) {
    const auto interval = RatioOfMeans(Exponential(60, 1, 2 * i), Exponential(60, 1, 2 * i + 1));
    held += interval->low <= 1 && 1 <= interval->high;
  }
  EXPECT_GE(held, 180);
  EXPECT_LE(held, 199);
}

TEST(BootstrapTest, OfNothingThereIsNone) {
  EXPECT_FALSE(RatioOfMeans({}, {1}).has_value());
  EXPECT_FALSE(RatioOfMeans({1}, {}).has_value());
  EXPECT_FALSE(RatioOfMeans({1}, {0}).has_value());
}

}  // namespace
}  // namespace dmaheap::bench

#include "tests/policy_lab/wait_plot.h"

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

Score OfWaits(std::string name, std::vector<absl::Duration> waits, int requests) {
  Score score;
  score.policy = std::move(name);
  score.requests = requests;
  score.served = static_cast<int>(waits.size());
  score.waits = std::move(waits);
  return score;
}

TEST(WaitPlotTest, HasALineAndALegendForEachPolicy) {
  const std::string svg = PlotWaits(
      {OfWaits("one", {absl::Milliseconds(1), absl::Milliseconds(30)}, 2), OfWaits("two", {}, 2)});
  EXPECT_EQ(svg.find("<svg"), 0u);
  EXPECT_NE(svg.find(">one</text>"), std::string::npos);
  EXPECT_NE(svg.find(">two</text>"), std::string::npos);
  EXPECT_NE(svg.find(">1 ms</text>"), std::string::npos);
  EXPECT_NE(svg.find(">100 ms</text>"), std::string::npos);
}

TEST(WaitPlotTest, APolicyThatLosesHalfEndsHalfWayUp) {
  const std::string svg = PlotWaits({OfWaits("half", {absl::Milliseconds(5)}, 2)});
  EXPECT_NE(svg.find("660.0,170.0'"), std::string::npos) << svg;
}

TEST(WaitPlotTest, ANameIsTextAndNoMarkup) {
  EXPECT_EQ(PlotWaits({OfWaits("<script>", {}, 1)}).find("<script>"), std::string::npos);
}

TEST(WaitPlotTest, NothingIsStillADocument) {
  EXPECT_NE(PlotWaits({}).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace dmaheap::policy_lab

#include "tests/policy_lab/pin_feed.h"

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

using absl::Milliseconds;

class PinFeedTest : public ::testing::Test {
 protected:
  PinFeedTest() { trace_.area_pages = 100; }

  static SimulatedArea NewArea() {
    SimulatedAreaOptions options;
    options.pages = 100;
    return *SimulatedArea::Create(options);
  }

  PinFeed Feed(int from_ms, FrozenShare share = {}) {
    return PinFeed(trace_, area_, Milliseconds(from_ms), share, /*seed=*/1);
  }
  // How many pages are pinned at that time.
  size_t Pinned(int ms) const {
    return area_.PinnedPfns(absl::UnixEpoch() + Milliseconds(ms)).size();
  }

  PinTrace trace_;
  SimulatedArea area_ = NewArea();
};

TEST_F(PinFeedTest, PutsPinsOnTheAreaAsTheyBegin) {
  trace_.pins = {{Milliseconds(10), Milliseconds(20), 7}, {Milliseconds(15), Milliseconds(5), 8}};
  PinFeed feed = Feed(0);
  feed.AdvanceTo(Milliseconds(9));
  EXPECT_EQ(Pinned(10), 0u);
  feed.AdvanceTo(Milliseconds(15));
  EXPECT_EQ(Pinned(15), 2u);
  EXPECT_EQ(Pinned(20), 1u);
  EXPECT_EQ(Pinned(30), 0u);
}

TEST_F(PinFeedTest, WhoComesLaterMeetsWhatIsStillThere) {
  trace_.pins = {{Milliseconds(0), Milliseconds(10), 1}, {Milliseconds(5), Milliseconds(50), 2}};
  Feed(20);
  EXPECT_EQ(Pinned(20), 1u);
}

TEST_F(PinFeedTest, OfTwoPinsOfAPageTheLongerCounts) {
  trace_.pins = {{Milliseconds(0), Milliseconds(50), 1}, {Milliseconds(5), Milliseconds(5), 1}};
  Feed(0).AdvanceTo(Milliseconds(5));
  EXPECT_EQ(Pinned(40), 1u);
}

TEST_F(PinFeedTest, AFrozenCgroupPinsLaterByAsLongAsItStoodStill) {
  trace_.pins = {{Milliseconds(10), Milliseconds(5), 1}};
  PinFeed feed = Feed(0);
  feed.StandStill(Milliseconds(5), Milliseconds(25));
  feed.AdvanceTo(Milliseconds(29));
  EXPECT_EQ(Pinned(29), 0u);
  feed.AdvanceTo(Milliseconds(30));
  EXPECT_EQ(Pinned(34), 1u);
  EXPECT_EQ(Pinned(35), 0u);
}

TEST_F(PinFeedTest, OthersAreNotHeldBack) {
  trace_.pins = {{Milliseconds(10), Milliseconds(5), 1}};
  PinFeed feed = Feed(0, {.pins = 0});
  feed.StandStill(Milliseconds(5), Milliseconds(25));
  feed.AdvanceTo(Milliseconds(10));
  EXPECT_EQ(Pinned(10), 1u);
}

TEST_F(PinFeedTest, WhatIsInPlaceEndsInItsTimeOrStaysUntilTheCgroupGoesOn) {
  trace_.pins = {{Milliseconds(0), Milliseconds(10), 1}};
  Feed(0, {.staying = 0}).StandStill(Milliseconds(5), Milliseconds(25));
  EXPECT_EQ(Pinned(10), 0u);
  Feed(0, {.staying = 1}).StandStill(Milliseconds(5), Milliseconds(25));
  EXPECT_EQ(Pinned(29), 1u);
  EXPECT_EQ(Pinned(30), 0u);
}

TEST_F(PinFeedTest, APartOfThePinsIsTheCgroups) {
  for (int i = 0; i < 100; ++i) trace_.pins.push_back({Milliseconds(10), Milliseconds(5), i});
  PinFeed feed = Feed(0, {.pins = 0.3});
  feed.StandStill(Milliseconds(5), Milliseconds(25));
  feed.AdvanceTo(Milliseconds(10));
  EXPECT_NEAR(static_cast<double>(Pinned(10)), 70, 15);
}

TEST_F(PinFeedTest, AReleaseIsTheEndOfTheLastPinThatFollowsWithoutAGap) {
  trace_.pins = {{Milliseconds(0), Milliseconds(10), 1},
                 {Milliseconds(5), Milliseconds(15), 1},
                 {Milliseconds(6), Milliseconds(90), 2},
                 {Milliseconds(21), Milliseconds(9), 1}};
  PinFeed feed = Feed(0);
  feed.AdvanceTo(Milliseconds(2));
  EXPECT_EQ(feed.ReleaseOf(1, Milliseconds(2)), Milliseconds(20));
  EXPECT_EQ(feed.ReleaseOf(3, Milliseconds(2)), Milliseconds(2));
}

TEST_F(PinFeedTest, APageThatStaysIsThereIfItWasPinnedAsTheAttemptCameBy) {
  // Page 50 of 100 is passed in the middle: at 20 ms.
  const auto is_there = [&](int begin_ms, int lasts_ms, bool stays) {
    area_ = NewArea();
    trace_.pins = {{Milliseconds(begin_ms), Milliseconds(lasts_ms), 50, stays}};
    PinFeed feed = Feed(0);
    feed.AdvanceTo(Milliseconds(40));
    feed.PassOver(Milliseconds(0), Milliseconds(40));
    return Pinned(40) == 1;
  };
  EXPECT_TRUE(is_there(15, 10, true));
  EXPECT_FALSE(is_there(15, 10, false));
  EXPECT_FALSE(is_there(5, 10, true));
  EXPECT_FALSE(is_there(25, 10, true));
}

}  // namespace
}  // namespace dmaheap::policy_lab

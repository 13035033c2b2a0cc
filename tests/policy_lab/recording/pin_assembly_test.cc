#include "tests/policy_lab/recording/pin_assembly.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

using absl::Milliseconds;

constexpr int32_t kStorm = 7;
constexpr int32_t kOther = 8;
constexpr int32_t kWants = 9;

class PinAssemblyTest : public ::testing::Test {
 protected:
  static PinAssembly::Options Options() {
    PinAssembly::Options options;
    options.first_frame = 1000;
    options.pages = 100;
    options.end = Milliseconds(1000);
    return options;
  }

  template <typename What>
  void At(int ms, int32_t thread, const What& what) {
    PinEvent event;
    event.at = Milliseconds(ms);
    event.thread = thread;
    event.what = what;
    assembly_->Take(event);
  }
  void Dropped(int ms, int32_t thread, uint64_t frame, int64_t excess = 0, bool stays = false) {
    At(ms, thread, ReferenceDropped{frame, excess, stays});
  }

  std::optional<PinAssembly> assembly_{Options()};
};

TEST_F(PinAssemblyTest, APageOfAnExitIsPinnedFromItsPlaceInTheUnmappingUntilItIsLetGo) {
  At(10, kStorm, UnmappingBegins());
  At(30, kStorm, LettingGoBegins());
  Dropped(30, kStorm, 1003);
  Dropped(32, kStorm, 1004, 0, /*stays=*/true);
  Dropped(34, kStorm, 1005);
  At(35, kStorm, UnmappingEnds());

  const Recording recording = assembly_->Finish();

  EXPECT_EQ(recording.unmappings, 1);
  EXPECT_EQ(recording.unmapped_pages, 3);
  EXPECT_EQ(recording.pins, (std::vector<Pin>{{Milliseconds(10), Milliseconds(20), 3, false},
                                              {Milliseconds(20), Milliseconds(12), 4, true},
                                              {Milliseconds(30), Milliseconds(4), 5, false}}));
}

TEST_F(PinAssemblyTest, WhatIsLetGoSecondWasTakenOutAfterTheFirst) {
  At(10, kStorm, UnmappingBegins());
  At(20, kStorm, LettingGoBegins());
  Dropped(21, kStorm, 1001);
  At(50, kStorm, LettingGoBegins());
  Dropped(50, kStorm, 1002);
  Dropped(60, kStorm, 1003);
  At(61, kStorm, UnmappingEnds());

  const Recording recording = assembly_->Finish();

  ASSERT_EQ(recording.pins.size(), 3u);
  EXPECT_EQ(recording.pins[1], (Pin{Milliseconds(21), Milliseconds(29), 2, false}));
  EXPECT_EQ(recording.pins[2], (Pin{Milliseconds(50), Milliseconds(10), 3, false}));
}

TEST_F(PinAssemblyTest, OfManyPagesTheFirstTheLastAndSomeInBetweenAreKept) {
  At(10, kStorm, UnmappingBegins());
  At(20, kStorm, LettingGoBegins());
  for (int i = 0; i < 10; ++i) Dropped(20 + i, kStorm, 1000 + i);
  At(30, kStorm, UnmappingEnds());

  const Recording recording = assembly_->Finish();

  EXPECT_EQ(recording.unmapped_pages, 10);
  ASSERT_EQ(recording.pins.size(), 4u);
  EXPECT_EQ(recording.pins[0].page, 0);
  EXPECT_EQ(recording.pins[1].page, 3);
  EXPECT_EQ(recording.pins[2].page, 6);
  EXPECT_EQ(recording.pins[3].page, 9);
}

TEST_F(PinAssemblyTest, DropsOfOthersAndBesideAnUnmappingAreNoPins) {
  Dropped(5, kStorm, 1001);
  At(10, kStorm, UnmappingBegins());
  Dropped(15, kStorm, 1001);
  At(20, kStorm, LettingGoBegins());
  Dropped(21, kOther, 1001);
  // Not of the area.
  Dropped(22, kStorm, 999);
  Dropped(22, kStorm, 1100);
  At(25, kStorm, UnmappingEnds());
  Dropped(30, kStorm, 1001);
  // Begun before the trace was.
  At(31, kOther, LettingGoBegins());
  Dropped(32, kOther, 1001);

  EXPECT_TRUE(assembly_->Finish().pins.empty());
}

TEST_F(PinAssemblyTest, AReferenceIsAPinUntilAsFewAreLeftAsBefore) {
  At(100, kOther, ReferenceTaken{1050, 1});
  At(110, kOther, ReferenceTaken{1050, 2});
  Dropped(120, kOther, 1050, 2);
  Dropped(400, kOther, 1050, 1);
  // One more of a page that nobody holds.
  Dropped(500, kOther, 1050, 0);

  const Recording recording = assembly_->Finish();

  EXPECT_EQ(recording.references, 1);
  EXPECT_EQ(recording.references_left, 0);
  EXPECT_EQ(recording.pins, (std::vector<Pin>{{Milliseconds(100), Milliseconds(300), 50, false}}));
}

TEST_F(PinAssemblyTest, AReferenceThatStaysEndsWithTheRecordingAndIsCounted) {
  At(700, kOther, ReferenceTaken{1050, 0});
  const Recording recording = assembly_->Finish();
  EXPECT_EQ(recording.references_left, 1);
  EXPECT_EQ(recording.pins, (std::vector<Pin>{{Milliseconds(700), Milliseconds(300), 50, true}}));
}

TEST_F(PinAssemblyTest, ALookupThatIsOverAtOnceIsNoPin) {
  At(700, kOther, ReferenceTaken{1050, 0});
  Dropped(700, kOther, 1050, 0);
  EXPECT_TRUE(assembly_->Finish().pins.empty());
}

TEST_F(PinAssemblyTest, WhatBeganBeforeTheRecordingBeginsWithIt) {
  PinAssembly::Options options = Options();
  options.begin = Milliseconds(100);
  assembly_.emplace(options);
  At(50, kOther, ReferenceTaken{1050, 0});
  Dropped(150, kOther, 1050, 0);
  At(60, kOther, ReferenceTaken{1051, 0});
  Dropped(90, kOther, 1051, 0);

  const Recording recording = assembly_->Finish();

  EXPECT_EQ(recording.length, Milliseconds(900));
  EXPECT_EQ(recording.pins,
            (std::vector<Pin>{{absl::ZeroDuration(), Milliseconds(50), 50, false}}));
}

TEST_F(PinAssemblyTest, SaysHowManyRefusalsAreExplainedByWhatIsRecorded) {
  At(10, kOther, ReferenceTaken{1050, 0});
  At(11, kOther, ReferenceTaken{1051, 0});
  At(20, kWants, AttemptBegins());
  Dropped(25, kOther, 1051, 0);
  At(30, kWants, WindowRefused{1050});
  At(31, kWants, WindowRefused{1051});
  At(32, kWants, WindowRefused{1052});
  At(40, kWants, AttemptEnds{false});
  Dropped(45, kOther, 1050, 0);
  At(50, kWants, AttemptBegins());
  At(60, kWants, WindowRefused{1051});
  At(65, kWants, AttemptEnds{true});
  // Its end is not seen.
  At(70, kWants, AttemptBegins());

  const Recording recording = assembly_->Finish();

  EXPECT_EQ(recording.refusals, 4);
  EXPECT_EQ(recording.refusals_explained, 1);
  EXPECT_EQ(recording.refusals_explained_late, 1);
  EXPECT_EQ(recording.attempts_failed, 1);
  EXPECT_EQ(recording.attempt_times,
            (std::vector<absl::Duration>{Milliseconds(20), Milliseconds(15)}));
}

}  // namespace
}  // namespace dmaheap::policy_lab

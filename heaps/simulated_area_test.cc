#include "heaps/simulated_area.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Cause = SimulatedArea::Cause;

constexpr int64_t kMiB = 256;  // pages
const absl::Time kStart = absl::UnixEpoch();

SimulatedAreaOptions AreaOf(int64_t pages) {
  SimulatedAreaOptions options;
  options.pages = pages;
  return options;
}

SimulatedArea MakeArea(const SimulatedAreaOptions& options) {
  return SimulatedArea::Create(options).value();
}

std::string FreeText(const SimulatedArea& area) { return FormatCmaFreeList(area.FreeList()); }

// --- where a buffer goes ---

TEST(SimulatedAreaTest, TheFirstFreeWindowIsTaken) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  EXPECT_EQ(area.Allocate(kMiB, kStart).first_pfn, area.base_pfn());
  EXPECT_EQ(area.Allocate(kMiB, kStart).first_pfn, area.base_pfn() + kMiB);
  EXPECT_EQ(area.used_pages(), 2 * kMiB);
}

TEST(SimulatedAreaTest, ARequestIsAlignedToItsOrder) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  EXPECT_EQ(area.Allocate(1, kStart).first_pfn, area.base_pfn());
  EXPECT_EQ(area.Allocate(5, kStart).first_pfn, area.base_pfn() + 8);
  EXPECT_EQ(area.Allocate(100, kStart).first_pfn, area.base_pfn() + 128);
  EXPECT_EQ(area.Allocate(1, kStart).first_pfn, area.base_pfn() + 1);
}

TEST(SimulatedAreaTest, NothingIsAlignedToMoreThanOneMebibyte) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  area.Allocate(1, kStart);
  const SimulatedArea::Attempt attempt = area.Allocate(32 * kMiB, kStart);
  EXPECT_EQ(attempt.alignment_pages, kMiB);
  EXPECT_EQ(attempt.first_pfn, area.base_pfn() + kMiB);
}

TEST(SimulatedAreaTest, FramesAreAlignedInMemoryAndNotInTheArea) {
  SimulatedAreaOptions options = AreaOf(4 * kMiB);
  options.base_pfn = 0x10010;
  SimulatedArea area = MakeArea(options);
  EXPECT_EQ(area.Allocate(kMiB, kStart).first_pfn, 0x10100);
}

// The case of a camera from the field: buffers of 2187 pages each strand 117.
TEST(SimulatedAreaTest, ABufferThatIsNoMultipleOfTheAlignmentStrandsPages) {
  SimulatedArea area = MakeArea(AreaOf(128 * kMiB));
  for (int i = 0; i < 14; ++i) {
    ASSERT_EQ(area.Allocate(2187, kStart).cause, Cause::kNone) << i;
  }
  const SimulatedArea::Attempt attempt = area.Allocate(2187, kStart);
  EXPECT_EQ(attempt.cause, Cause::kFull);

  // Without the stranded pages one buffer of 2048 would still fit.
  const SimulatedArea::Attempt smaller = area.Allocate(2048, kStart);
  EXPECT_EQ(smaller.cause, Cause::kFragmented);
  EXPECT_EQ(smaller.windows, 0);
  EXPECT_EQ(smaller.free_pages, 128 * kMiB - 14 * 2187);
  EXPECT_EQ(smaller.largest_free_pages, 629);
  EXPECT_EQ(FreeText(area).substr(0, 19), "117@2187+117@4491+1");
}

// --- why there is no memory ---

TEST(SimulatedAreaTest, MoreThanTheAreaHasIsFull) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  const SimulatedArea::Attempt attempt = area.Allocate(64 * kMiB + 1, kStart);
  EXPECT_EQ(attempt.cause, Cause::kFull);
  EXPECT_EQ(attempt.windows, 0);
  EXPECT_EQ(area.used_pages(), 0);
}

TEST(SimulatedAreaTest, MoreThanAnyAreaHasIsFull) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  EXPECT_EQ(area.Allocate(std::numeric_limits<int64_t>::max() / 4096, kStart).cause, Cause::kFull);
}

TEST(SimulatedAreaTest, EverySecondBufferFreedIsFragmented) {
  SimulatedArea area = MakeArea(AreaOf(8 * kMiB));
  for (int i = 0; i < 8; ++i) ASSERT_EQ(area.Allocate(kMiB, kStart).cause, Cause::kNone);
  for (int i = 0; i < 8; i += 2) {
    ASSERT_TRUE(area.Free(area.base_pfn() + i * kMiB, kMiB).ok());
  }

  const SimulatedArea::Attempt attempt = area.Allocate(2 * kMiB, kStart);

  EXPECT_EQ(attempt.cause, Cause::kFragmented);
  EXPECT_EQ(attempt.free_pages, 4 * kMiB);
  EXPECT_EQ(attempt.largest_free_pages, kMiB);
  EXPECT_EQ(FreeText(area), "256@0+256@512+256@1024+256@1536=> 1024 free of 2048 total pages");
}

TEST(SimulatedAreaTest, EnoughInOneRunButNotAlignedIsFragmentedToo) {
  SimulatedArea area = MakeArea(AreaOf(2 * kMiB));
  area.Allocate(1, kStart);
  const SimulatedArea::Attempt attempt = area.Allocate(kMiB + 1, kStart);
  EXPECT_EQ(attempt.cause, Cause::kFragmented);
  EXPECT_EQ(attempt.largest_free_pages, 2 * kMiB - 1);
}

TEST(SimulatedAreaTest, APinnedPageBlocksTheOnlyWindowOfTheWholeArea) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  const int64_t pfn = area.base_pfn() + 5000;
  ASSERT_TRUE(area.Pin(pfn, absl::InfiniteFuture()).ok());

  const SimulatedArea::Attempt attempt = area.Allocate(64 * kMiB, kStart);

  EXPECT_EQ(attempt.cause, Cause::kPinned);
  EXPECT_EQ(attempt.blocking_pfn, pfn);
  EXPECT_EQ(attempt.windows, 1);
  EXPECT_EQ(area.used_pages(), 0);
}

// Measured on a kernel: 60 of 64 MiB has five windows.
TEST(SimulatedAreaTest, AllFiveWindowsOf60In64MebibytesAreTriedOnceEach) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  ASSERT_TRUE(area.Pin(area.base_pfn() + 30 * kMiB, absl::InfiniteFuture()).ok());
  const SimulatedArea::Attempt attempt = area.Allocate(60 * kMiB, kStart);
  EXPECT_EQ(attempt.cause, Cause::kPinned);
  EXPECT_EQ(attempt.windows, 5);
}

TEST(SimulatedAreaTest, TheSearchGoesOnBehindAPinnedPage) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  ASSERT_TRUE(area.Pin(area.base_pfn() + 3 * kMiB + 7, absl::InfiniteFuture()).ok());
  const SimulatedArea::Attempt attempt = area.Allocate(4 * kMiB, kStart);
  EXPECT_EQ(attempt.cause, Cause::kNone);
  EXPECT_EQ(attempt.first_pfn, area.base_pfn() + 4 * kMiB);
  EXPECT_EQ(attempt.windows, 5);
}

TEST(SimulatedAreaTest, APinForAWhileEndsWithTheTime) {
  SimulatedArea area = MakeArea(AreaOf(kMiB));
  ASSERT_TRUE(area.Pin(area.base_pfn(), kStart + absl::Milliseconds(5)).ok());

  EXPECT_EQ(area.Allocate(kMiB, kStart).cause, Cause::kPinned);
  EXPECT_THAT(area.PinnedPfns(kStart + absl::Milliseconds(4)), ElementsAre(area.base_pfn()));
  EXPECT_THAT(area.PinnedPfns(kStart + absl::Milliseconds(5)), IsEmpty());
  EXPECT_EQ(area.Allocate(kMiB, kStart + absl::Milliseconds(5)).cause, Cause::kNone);
}

TEST(SimulatedAreaTest, APinThatEndsWithinTheFiveRoundsDoesNoHarm) {
  SimulatedArea area = MakeArea(AreaOf(kMiB));
  ASSERT_TRUE(area.Pin(area.base_pfn(), kStart + absl::Microseconds(9)).ok());
  const SimulatedArea::Attempt attempt = area.Allocate(kMiB, kStart);
  EXPECT_EQ(attempt.cause, Cause::kNone);
  EXPECT_EQ(attempt.elapsed, absl::Microseconds(10)) << "five rounds of one page at 2 us";
}

TEST(SimulatedAreaTest, APinForEverEndsOnlyWhenItIsLifted) {
  SimulatedArea area = MakeArea(AreaOf(kMiB));
  ASSERT_TRUE(area.Pin(area.base_pfn() + 9, absl::InfiniteFuture()).ok());
  for (int i = 0; i < 21; ++i) {
    EXPECT_EQ(area.Allocate(kMiB, kStart + absl::Hours(i)).cause, Cause::kPinned);
  }
  ASSERT_TRUE(area.Unpin(area.base_pfn() + 9).ok());
  EXPECT_EQ(area.Allocate(kMiB, kStart).cause, Cause::kNone);
  EXPECT_EQ(area.Unpin(area.base_pfn() + 9).code(), absl::StatusCode::kNotFound);
}

TEST(SimulatedAreaTest, WithoutAPlaceForItsPagesAFreeWindowIsNoUse) {
  SimulatedAreaOptions options = AreaOf(kMiB);
  options.occupant_pages = kMiB;
  options.outside_pages = 10;
  SimulatedArea area = MakeArea(options);
  const SimulatedArea::Attempt attempt = area.Allocate(kMiB, kStart);
  EXPECT_EQ(attempt.cause, Cause::kNoMigrationTarget);
  EXPECT_EQ(attempt.windows, 1);
  EXPECT_EQ(area.used_pages(), 0);
  EXPECT_EQ(area.resident_pages() + area.outside_pages(), kMiB);
}

TEST(SimulatedAreaTest, PagesMoveWithinTheAreaWhenThereIsNoMemoryOutside) {
  SimulatedAreaOptions options = AreaOf(2 * kMiB);
  options.outside_pages = 0;
  SimulatedArea area = MakeArea(options);
  ASSERT_TRUE(area.Pin(area.base_pfn() + 3, kStart).ok());
  EXPECT_EQ(area.Allocate(kMiB, kStart).cause, Cause::kNone);
  EXPECT_EQ(area.resident_pages(), 1);
  EXPECT_EQ(area.outside_pages(), 0);
}

// --- time ---

TEST(SimulatedAreaTest, AnEmptyWindowTakesNoTime) {
  SimulatedArea area = MakeArea(AreaOf(64 * kMiB));
  EXPECT_EQ(area.Allocate(64 * kMiB, kStart).elapsed, absl::ZeroDuration());
}

TEST(SimulatedAreaTest, EveryMigratedPageTakesItsTime) {
  SimulatedAreaOptions options = AreaOf(4 * kMiB);
  options.occupant_pages = 4 * kMiB;
  options.migration_cost_per_page = absl::Microseconds(3);
  SimulatedArea area = MakeArea(options);
  const SimulatedArea::Attempt attempt = area.Allocate(kMiB, kStart);
  EXPECT_EQ(attempt.migrated_pages, kMiB);
  EXPECT_EQ(attempt.elapsed, kMiB * absl::Microseconds(3));
}

TEST(SimulatedAreaTest, AFailedAttemptHasMigratedForNothing) {
  SimulatedAreaOptions options = AreaOf(kMiB);
  options.occupant_pages = kMiB;
  SimulatedArea area = MakeArea(options);
  ASSERT_TRUE(area.Pin(area.base_pfn() + 200, absl::InfiniteFuture()).ok());
  const SimulatedArea::Attempt attempt = area.Allocate(kMiB, kStart);
  EXPECT_EQ(attempt.cause, Cause::kPinned);
  EXPECT_EQ(attempt.migrated_pages, kMiB - 1);
  EXPECT_EQ(attempt.elapsed, (kMiB + 4) * absl::Microseconds(2)) << "the pinned page five times";
  EXPECT_EQ(area.resident_pages(), 1);
}

// --- the occupant ---

TEST(SimulatedAreaTest, FreedFramesFillUpWithTheOccupantsPages) {
  SimulatedAreaOptions options = AreaOf(4 * kMiB);
  options.occupant_pages = 4 * kMiB;
  SimulatedArea area = MakeArea(options);
  const SimulatedArea::Attempt attempt = area.Allocate(kMiB, kStart);
  EXPECT_EQ(area.resident_pages(), 3 * kMiB);
  EXPECT_EQ(area.outside_pages(), kMiB);

  ASSERT_TRUE(area.Free(attempt.first_pfn, attempt.pages).ok());

  EXPECT_EQ(area.resident_pages(), 4 * kMiB);
  EXPECT_EQ(area.outside_pages(), 0);
}

TEST(SimulatedAreaTest, AnOccupantThatIsTooLargeWaitsOutside) {
  SimulatedArea area = MakeArea(AreaOf(kMiB));
  EXPECT_EQ(area.AddOccupant(kMiB + 10), kMiB);
  EXPECT_EQ(area.outside_pages(), 10);
}

TEST(SimulatedAreaTest, TheOccupantIsNotInTheWayOfTheFreeList) {
  SimulatedAreaOptions options = AreaOf(kMiB);
  options.occupant_pages = 100;
  EXPECT_EQ(FreeText(MakeArea(options)), "256@0=> 256 free of 256 total pages");
}

TEST(SimulatedAreaTest, PinSomeTakesPagesOfTheOccupantOnly) {
  SimulatedAreaOptions options = AreaOf(4 * kMiB);
  options.occupant_pages = 20;
  SimulatedArea area = MakeArea(options);
  EXPECT_EQ(area.PinSome(5, absl::InfiniteFuture()).size(), 5u);
  EXPECT_EQ(area.PinSome(100, absl::InfiniteFuture()).size(), 15u) << "the rest has pins already";
  EXPECT_EQ(area.resident_pages(), 20);
  EXPECT_EQ(area.PinnedPfns(kStart).size(), 20u);
}

TEST(SimulatedAreaTest, AFrameOfABufferCanNotBePinned) {
  SimulatedArea area = MakeArea(AreaOf(kMiB));
  area.Allocate(1, kStart);
  EXPECT_EQ(area.Pin(area.base_pfn(), absl::InfiniteFuture()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(area.Pin(area.base_pfn() - 1, kStart).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(area.Pin(area.base_pfn() + kMiB, kStart).code(), absl::StatusCode::kOutOfRange);
}

// --- giving back ---

TEST(SimulatedAreaTest, OnlyWhatABufferHasCanBeFreed) {
  SimulatedArea area = MakeArea(AreaOf(4 * kMiB));
  const SimulatedArea::Attempt attempt = area.Allocate(kMiB, kStart);
  EXPECT_FALSE(area.Free(attempt.first_pfn, kMiB + 1).ok());
  EXPECT_FALSE(area.Free(attempt.first_pfn - 1, 1).ok());
  EXPECT_FALSE(area.Free(attempt.first_pfn, 0).ok());
  EXPECT_FALSE(area.Free(attempt.first_pfn, std::numeric_limits<int64_t>::max()).ok());
  EXPECT_EQ(area.used_pages(), kMiB);
  EXPECT_TRUE(area.Free(attempt.first_pfn, kMiB).ok());
  EXPECT_FALSE(area.Free(attempt.first_pfn, kMiB).ok()) << "freed twice";
  EXPECT_EQ(area.used_pages(), 0);
}

TEST(SimulatedAreaTest, AnAdoptedBufferTakesOneRunWhereThereIsOne) {
  SimulatedArea area = MakeArea(AreaOf(4 * kMiB));
  area.Allocate(1, kStart);
  const auto runs = area.Adopt(kMiB);
  ASSERT_TRUE(runs.ok()) << runs.status();
  EXPECT_THAT(*runs, ElementsAre(PageRun{area.base_pfn() + 1, kMiB}));
  EXPECT_EQ(area.used_pages(), kMiB + 1);
}

TEST(SimulatedAreaTest, AnAdoptedBufferIsCountedEvenWhereItDoesNotFitInOneRun) {
  SimulatedArea area = MakeArea(AreaOf(4));
  ASSERT_EQ(area.Allocate(1, kStart).first_pfn, area.base_pfn());
  ASSERT_EQ(area.Allocate(1, kStart).first_pfn, area.base_pfn() + 1);
  ASSERT_EQ(area.Allocate(1, kStart).first_pfn, area.base_pfn() + 2);
  ASSERT_TRUE(area.Free(area.base_pfn() + 1, 1).ok());

  const auto runs = area.Adopt(2);

  ASSERT_TRUE(runs.ok()) << runs.status();
  EXPECT_THAT(*runs, ElementsAre(PageRun{area.base_pfn() + 1, 1}, PageRun{area.base_pfn() + 3, 1}));
  EXPECT_EQ(area.Adopt(1).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(SimulatedAreaTest, AnAdoptedBufferPushesTheOccupantAside) {
  SimulatedAreaOptions options = AreaOf(kMiB);
  options.occupant_pages = kMiB;
  SimulatedArea area = MakeArea(options);
  area.PinSome(kMiB, absl::InfiniteFuture());
  ASSERT_TRUE(area.Adopt(kMiB).ok());
  EXPECT_EQ(area.resident_pages(), 0);
  EXPECT_THAT(area.PinnedPfns(kStart), IsEmpty());
}

// --- the whole ---

std::string Story(uint64_t seed) {
  SimulatedAreaOptions options = AreaOf(32 * kMiB);
  options.seed = seed;
  options.occupant_pages = 10 * kMiB;
  SimulatedArea area = MakeArea(options);
  std::string story;
  std::vector<SimulatedArea::Attempt> live;
  absl::Time now = kStart;
  for (int i = 0; i < 60; ++i) {
    area.PinSome(2, now + absl::Milliseconds(3));
    const SimulatedArea::Attempt attempt = area.Allocate(1 + i * 37 % 1500, now);
    now += attempt.elapsed + absl::Milliseconds(1);
    absl::StrAppend(&story, CauseName(attempt.cause), "@", attempt.first_pfn, "/",
                    attempt.blocking_pfn, "/", attempt.windows, " ",
                    absl::ToInt64Microseconds(attempt.elapsed), "\n");
    if (attempt.cause == Cause::kNone) live.push_back(attempt);
    if (i % 3 == 2 && !live.empty()) {
      EXPECT_TRUE(area.Free(live.front().first_pfn, live.front().pages).ok());
      live.erase(live.begin());
    }
    // What holds at every moment.
    int64_t used = 0;
    for (const auto& buffer : live) used += buffer.pages;
    EXPECT_EQ(area.used_pages(), used);
    EXPECT_EQ(area.resident_pages() + area.outside_pages(), 10 * kMiB);
    EXPECT_TRUE(ParseCmaFreeList(FreeText(area)).ok()) << FreeText(area);
    EXPECT_EQ(LargestRun(area.FreeList().runs), area.LargestFreePages());
  }
  return story;
}

TEST(SimulatedAreaTest, TheSameSeedTellsTheSameStory) {
  const std::string story = Story(1);
  EXPECT_EQ(story, Story(1));
  EXPECT_NE(story, Story(2));
  EXPECT_THAT(story, ::testing::HasSubstr("none@"));
}

TEST(SimulatedAreaTest, OptionsOutOfRangeAreNamed) {
  const auto why = [](SimulatedAreaOptions options) {
    return std::string(SimulatedArea::Create(options).status().message());
  };
  EXPECT_THAT(why(AreaOf(0)), ::testing::HasSubstr("pages 0"));
  EXPECT_THAT(why(AreaOf(kMaxSimulatedPages + 1)), ::testing::HasSubstr("pages 16777217"));
  SimulatedAreaOptions options = AreaOf(10);
  options.occupant_pages = 11;
  EXPECT_THAT(why(options), ::testing::HasSubstr("occupant_pages 11"));
  options = AreaOf(10);
  options.outside_pages = -1;
  EXPECT_THAT(why(options), ::testing::HasSubstr("outside_pages -1"));
  options = AreaOf(10);
  options.base_pfn = -1;
  EXPECT_THAT(why(options), ::testing::HasSubstr("base_pfn -1"));
  options = AreaOf(10);
  options.migration_cost_per_page = absl::InfiniteDuration();
  EXPECT_THAT(why(options), ::testing::HasSubstr("migration_cost_per_page"));
}

}  // namespace
}  // namespace dmaheap

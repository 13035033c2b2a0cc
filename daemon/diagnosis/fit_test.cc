#include "daemon/diagnosis/fit.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// From the field: frames of 2187 pages, and smaller ones, in an area of 128 MiB.
constexpr char kFieldList[] =
    "24@264+96@416+117@2955+117@5259+117@7563+117@9867+117@12171+117@14475+6@14714+6@14842+6@14970+"
    "6@15098+6@15226+6@15354+39@16089+39@16857+39@17625+39@18393+39@19161+39@19929+117@22155+"
    "117@24459+117@26763+117@29067+1397@31371=> 2957 free of 32768 total pages";
constexpr int64_t kFieldPages = 2187;

CmaFreeList Parsed(const std::string& text) {
  auto list = ParseCmaFreeList(text);
  EXPECT_TRUE(list.ok()) << list.status();
  return *list;
}

std::vector<PageRun> RunsOf(absl::Span<const UsedPart> parts) {
  std::vector<PageRun> runs;
  for (const UsedPart& part : parts) runs.push_back(part.run);
  return runs;
}

PageRun Pages(int64_t first, int64_t pages) { return {.first = first, .pages = pages}; }

TEST(FitTest, FragmentsOfTheFieldStrandWhatAlignmentTakes) {
  const Fit fit = FitInto(Parsed(kFieldList), {}, kFieldPages);

  EXPECT_FALSE(fit.fits);
  EXPECT_FALSE(fit.fits_unaligned);
  EXPECT_EQ(fit.align_pages, 256);
  EXPECT_EQ(fit.rounded_pages, 2304);
  EXPECT_EQ(fit.waste_pages(kFieldPages), 117);
  EXPECT_EQ(fit.free_pages, 2957);
  EXPECT_EQ(fit.largest_run_pages, 1397);
  // From 31488, the first multiple of 256 in the largest run.
  EXPECT_EQ(fit.largest_fit_pages, 1280);
  EXPECT_EQ(fit.larger_by_pages, 31488 + kFieldPages - 32768);
}

TEST(FitTest, OneFrameOfTheFieldOpensTheRoomForAnother) {
  std::vector<BufferInArea> buffers(11, {.pages = kFieldPages});
  for (int i = 0; i < 7; ++i) buffers.push_back({.pages = 122});

  const Fit fit = FitInto(Parsed(kFieldList), buffers, kFieldPages);

  ASSERT_TRUE(fit.opening.has_value());
  EXPECT_EQ(fit.opening->run, Pages(3072, 2304));
  ASSERT_THAT(RunsOf(fit.opening->parts), ElementsAre(Pages(3072, kFieldPages)));
  // Any of that size: which one lies there, the list does not tell.
  EXPECT_THAT(fit.opening->parts[0].candidates, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(FitTest, AnEmptyAreaFitsWhatItHolds) {
  const Fit fit = FitInto(Parsed("64@0=> 64 free of 64 total pages"), {}, 64);

  EXPECT_TRUE(fit.fits);
  EXPECT_EQ(fit.largest_fit_pages, 64);
  EXPECT_FALSE(fit.opening.has_value());
  EXPECT_FALSE(fit.larger_by_pages.has_value());
}

TEST(FitTest, AlignmentAloneIsToldFromTooFewPages) {
  // 300 pages in a row, of which 240 from the next multiple of 256.
  const Fit fit = FitInto(Parsed("300@196=> 300 free of 1024 total pages"), {}, 257);

  EXPECT_FALSE(fit.fits);
  EXPECT_TRUE(fit.fits_unaligned);
  // 240 pages are aligned to 256, which they fit.
  EXPECT_EQ(fit.largest_fit_pages, 240);
}

TEST(FitTest, ASmallRunIsAlignedToItsOwnSize) {
  // 3 to 6: a request of 2 begins at 4; of 3 or 4 as well.
  EXPECT_EQ(FitInto(Parsed("4@3=> 4 free of 8 total pages"), {}, 8).largest_fit_pages, 3);
  EXPECT_EQ(FitInto(Parsed("1@3=> 1 free of 8 total pages"), {}, 8).largest_fit_pages, 1);
}

TEST(FitTest, WhatIsLargerThanTheAreaHasNoOpening) {
  const Fit fit = FitInto(Parsed("8@0=> 8 free of 8 total pages"), {}, 9);

  EXPECT_FALSE(fit.fits);
  EXPECT_FALSE(fit.opening.has_value());
  EXPECT_EQ(fit.larger_by_pages, 1);
}

TEST(FitTest, AKnownPlaceIsNamedAlone) {
  const std::vector<BufferInArea> buffers = {{.pages = 16, .first = 16}, {.pages = 16}};

  const Fit fit = FitInto(Parsed("16@0+16@32=> 32 free of 64 total pages"), buffers, 32);

  ASSERT_TRUE(fit.opening.has_value());
  EXPECT_EQ(fit.opening->run, Pages(0, 48));
  ASSERT_EQ(fit.opening->parts.size(), 1u);
  EXPECT_THAT(fit.opening->parts[0].candidates, ElementsAre(0));
}

TEST(FitTest, BuffersSideBySideAreToldApartWhereTheirSizesTellThem) {
  // 28 used pages: 16, then 12, as neither can begin at 12.
  const std::vector<BufferInArea> buffers = {{.pages = 12}, {.pages = 16}};

  const std::vector<UsedPart> parts = UsedParts(Parsed("4@28=> 4 free of 32 total pages"), buffers);

  ASSERT_THAT(RunsOf(parts), ElementsAre(Pages(0, 16), Pages(16, 12)));
  EXPECT_THAT(parts[0].candidates, ElementsAre(1));
  EXPECT_THAT(parts[1].candidates, ElementsAre(0));
}

TEST(FitTest, WhatMayBeOneOrTheOtherHasNoName) {
  // 8 pages: one buffer, or two.
  const std::vector<BufferInArea> buffers = {{.pages = 8}, {.pages = 4}, {.pages = 4}};

  const std::vector<UsedPart> parts = UsedParts(Parsed("8@8=> 8 free of 16 total pages"), buffers);

  ASSERT_THAT(RunsOf(parts), ElementsAre(Pages(0, 8)));
  EXPECT_THAT(parts[0].candidates, IsEmpty());
}

TEST(FitTest, ManySmallBuffersInARowAreNoDeepSearch) {
  const std::vector<BufferInArea> buffers = {{.pages = 1}, {.pages = 2}};
  CmaFreeList area;
  area.total_pages = 1 << 16;

  EXPECT_THAT(RunsOf(UsedParts(area, buffers)), ElementsAre(Pages(0, 1 << 16)));
  EXPECT_EQ(UsedParts(area, {{.pages = 1}}).size(), size_t{1} << 16);
}

TEST(FitTest, ReleasingKnownBuffersIsBetterThanPagesOfUnknownUse) {
  // In front, four pages of unknown use; behind, two buffers of eight.
  const std::vector<BufferInArea> buffers = {{.pages = 8}, {.pages = 8}};

  const Fit fit = FitInto(Parsed("12@4=> 12 free of 32 total pages"), buffers, 16);

  ASSERT_TRUE(fit.opening.has_value());
  EXPECT_THAT(RunsOf(fit.opening->parts), ElementsAre(Pages(16, 8), Pages(24, 8)));
}

TEST(FitTest, APlaceThatTheListDeniesIsNotBelieved) {
  const std::vector<BufferInArea> buffers = {{.pages = 8, .first = 4}, {.pages = 8, .first = 100}};

  const std::vector<UsedPart> parts = UsedParts(Parsed("8@8=> 8 free of 16 total pages"), buffers);

  ASSERT_THAT(RunsOf(parts), ElementsAre(Pages(0, 8)));
  EXPECT_THAT(parts[0].candidates, IsEmpty());
}

TEST(FitTest, OfSeveralRangesOnlyWhatTheRunsTellIsSaid) {
  CmaFreeList area;
  area.runs = {{.first = 0, .pages = 8}, {.first = 0, .pages = 16, .range = 1}};
  area.free_pages = 24;
  area.total_pages = 64;

  const Fit fit = FitInto(area, {}, 32);

  EXPECT_EQ(fit.largest_run_pages, 16);
  EXPECT_FALSE(fit.opening.has_value());
  EXPECT_FALSE(fit.larger_by_pages.has_value());
}

}  // namespace
}  // namespace dmaheap

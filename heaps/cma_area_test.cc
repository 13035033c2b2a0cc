#include "heaps/cma_area.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// From the field: a camera's buffers of 2187 pages, each rounded to 2304 by the alignment.
constexpr absl::string_view kGoldenList =
    "24@264+96@416+117@2955+117@5259+117@7563+117@9867+117@12171+117@14475+6@14714+6@14842+6@14970"
    "+6@15098+6@15226+6@15354+39@16089+39@16857+39@17625+39@18393+39@19161+39@19929+117@22155"
    "+117@24459+117@26763+117@29067+1397@31371=> 2957 free of 32768 total pages";

TEST(CmaFreeListTest, TheListFromTheFieldHas25RunsAndTheLargestIs1397) {
  const auto list = ParseCmaFreeList(kGoldenList);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->runs.size(), 25u);
  EXPECT_EQ(LargestRun(list->runs), 1397);
  EXPECT_EQ(list->free_pages, 2957);
  EXPECT_EQ(list->total_pages, 32768);
  EXPECT_EQ(list->runs.front(), (PageRun{264, 24}));
  EXPECT_EQ(list->runs.back(), (PageRun{31371, 1397}));
}

TEST(CmaFreeListTest, PrefixesDoNotMatter) {
  for (const absl::string_view prefix :
       {"[  101.203311] cma: number of available pages: ", "<6>cma: number of available pages: ",
        "number of available pages: ", "cma: number of available pages: \ncma: range 0: ",
        "6,1234,5678,-;cma: "}) {
    const auto list = ParseCmaFreeList(absl::StrCat(prefix, kGoldenList, "\n"));
    ASSERT_TRUE(list.ok()) << prefix << ": " << list.status();
    EXPECT_EQ(list->runs.size(), 25u) << prefix;
  }
}

TEST(CmaFreeListTest, WritingWhatWasReadGivesTheKernelsText) {
  EXPECT_EQ(FormatCmaFreeList(ParseCmaFreeList(kGoldenList).value()), kGoldenList);
}

TEST(CmaFreeListTest, AFullAreaHasNoRuns) {
  const auto list =
      ParseCmaFreeList("cma: number of available pages: => 0 free of 16384 total pages");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->runs, IsEmpty());
  EXPECT_EQ(LargestRun(list->runs), 0);
  EXPECT_EQ(list->total_pages, 16384);
}

TEST(CmaFreeListTest, SeveralRangesAreSeveralLines) {
  const auto list = ParseCmaFreeList(
      "cma: number of available pages: \n"
      "cma: range 0: 24@264+8@416\n"
      "cma: range 1: +100@0\n"
      "=> 132 free of 32768 total pages\n");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->runs, ElementsAre(PageRun{264, 24, 0}, PageRun{416, 8, 0}, PageRun{0, 100, 1}));
}

TEST(CmaFreeListTest, WhatFollowsTheListIsNotRead) {
  EXPECT_TRUE(ParseCmaFreeList("8@0=> 8 free of 16 total pages\n5@@@ nonsense").ok());
}

TEST(CmaFreeListTest, AListThatContradictsItselfIsRefused) {
  for (const absl::string_view text : {
           "",
           "no list at all",
           "24@264",                                        // no sum
           "24@264=> 25 free of 32768 total pages",         // the sum is wrong
           "24@264+10@270=> 34 free of 32768 total pages",  // runs overlap
           "24@264+10@100=> 34 free of 32768 total pages",  // runs go back
           "24@264+10@288=> 34 free of 32768 total pages",  // runs touch: they would be one
           "range 0: 5@0\nrange 0: 5@0=> 10 free of 64 total pages",    // a run comes twice
           "range 1: 5@0\nrange 0: 5@9\n=> 10 free of 64 total pages",  // ranges go back
           "0@264=> 0 free of 32768 total pages",                       // an empty run
           "24@100=> 24 free of 64 total pages",                        // a run ends after the area
           "40@0=> 40 free of 32 total pages",                          // more free than there is
           "24@=> 24 free of 64 total pages",
           "24@0=> 24 free of total pages",
           "24@0 => 24 free of 64 total pages",
           "99999999999999999999@0=> 1 free of 64 total pages",
           "1@99999999999999999999=> 1 free of 64 total pages",
       }) {
    const auto list = ParseCmaFreeList(text);
    EXPECT_EQ(list.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(CmaAllocFailureTest, EveryPrefixOfTheFieldIsRead) {
  struct Case {
    absl::string_view line;
    absl::string_view area;
    int64_t pages;
    int error_number;
  };
  for (const Case& c : {
           Case{"cma: cma_alloc: reserved: alloc failed, req-size: 2187 pages, ret: -12",
                "reserved", 2187, ENOMEM},
           Case{"cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -16", "", 1, EBUSY},
           Case{"[    3.14] cma: cma_alloc: linux,cma: alloc failed, req-size: 524288 pages, ret: "
                "-12",
                "linux,cma", 524288, ENOMEM},
           Case{"cma: __cma_alloc: linux,cma: alloc failed, req-size: 256 pages, ret: -16\n",
                "linux,cma", 256, EBUSY},
           Case{"cma: __cma_alloc: my: odd: name: alloc failed, req-size: 2 pages, ret: -4",
                "my: odd: name", 2, EINTR},
       }) {
    const auto failure = ParseCmaAllocFailure(c.line);
    ASSERT_TRUE(failure.ok()) << c.line << ": " << failure.status();
    EXPECT_EQ(failure->area, c.area);
    EXPECT_EQ(failure->request_pages, c.pages);
    EXPECT_EQ(failure->error_number, c.error_number);
  }
}

TEST(CmaAllocFailureTest, OtherLinesAreRefused) {
  for (const absl::string_view line : {
           "",
           "cma: Reserved 64 MiB at 0x1c000000",
           "alloc failed, req-size: ",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: 0",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -0",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -99999",
           "cma: cma_alloc: alloc failed, req-size: -1 pages, ret: -12",
       }) {
    EXPECT_FALSE(ParseCmaAllocFailure(line).ok()) << line;
  }
}

TEST(PfnsBusyTest, NumbersAreHexadecimalAndTheEndIsOutside) {
  const auto range = ParsePfnsBusy("[  12.3] cma: alloc_contig_range: [2f100, 2f20a) PFNs busy");
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->first, 0x2f100u);
  EXPECT_EQ(range->end, 0x2f20au);
}

TEST(PfnsBusyTest, OtherLinesAreRefused) {
  for (const absl::string_view line :
       {"", "alloc_contig_range: [", "alloc_contig_range: [2f100, 2f100) PFNs busy",
        "alloc_contig_range: [2f20a, 2f100) PFNs busy", "alloc_contig_range: [x, y) PFNs busy",
        "alloc_contig_range: [2f100, fffffffffffffffff) PFNs busy",
        "alloc_contig_range: [2f100, 2f20a] PFNs busy"}) {
    EXPECT_FALSE(ParsePfnsBusy(line).ok()) << line;
  }
}

TEST(CmaBitmapTest, ASetBitIsInUse) {
  // Bits 0 to 3 and 32 in use of 40.
  const auto list = ParseCmaBitmap("15 1\n", 40, 0);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->runs, ElementsAre(PageRun{4, 28}, PageRun{33, 7}));
  EXPECT_EQ(list->free_pages, 35);
  EXPECT_EQ(list->total_pages, 40);
}

TEST(CmaBitmapTest, ARunGoesOnOverWords) {
  const auto list = ParseCmaBitmap("0 0 4294967295", 96, 0);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->runs, ElementsAre(PageRun{0, 64}));
}

TEST(CmaBitmapTest, ABitMayStandForSeveralPages) {
  const auto list = ParseCmaBitmap("1", 128, 2);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->runs, ElementsAre(PageRun{4, 124}));
}

TEST(CmaBitmapTest, ABitmapThatDoesNotCoverTheAreaIsRefused) {
  EXPECT_FALSE(ParseCmaBitmap("", 1, 0).ok());
  EXPECT_FALSE(ParseCmaBitmap("0", 33, 0).ok());
  EXPECT_FALSE(ParseCmaBitmap("0 x", 64, 0).ok());
  EXPECT_FALSE(ParseCmaBitmap("0 4294967296", 64, 0).ok());
  EXPECT_FALSE(ParseCmaBitmap("0", 32, -1).ok());
  EXPECT_FALSE(ParseCmaBitmap("0", 32, 64).ok());
  EXPECT_FALSE(ParseCmaBitmap("0", -1, 0).ok());
}

TEST(CmaCountTest, AFileHoldsOneNumber) {
  EXPECT_EQ(ParseCmaCount("16384\n").value(), 16384);
  EXPECT_EQ(ParseCmaCount("0\n").value(), 0);
  for (const absl::string_view text :
       {"", "\n", "-1\n", "12 34\n", "0x10\n", "1e3\n", "99999999999999999999\n"}) {
    EXPECT_FALSE(ParseCmaCount(text).ok()) << text;
  }
}

TEST(MeminfoTest, CmaTotalIsInKibibytes) {
  EXPECT_EQ(ParseMeminfoCmaTotal("MemTotal:         490404 kB\nCmaTotal:          65536 kB\n"
                                 "CmaFree:           61440 kB\n"),
            65536 * 1024);
}

TEST(MeminfoTest, AKernelWithoutCmaHasNoTotal) {
  EXPECT_FALSE(ParseMeminfoCmaTotal("MemTotal:         490404 kB\n").has_value());
  EXPECT_FALSE(ParseMeminfoCmaTotal("CmaTotal:              0 kB\n").has_value());
  EXPECT_FALSE(ParseMeminfoCmaTotal("CmaTotal:          65536 MB\n").has_value());
}

}  // namespace
}  // namespace dmaheap

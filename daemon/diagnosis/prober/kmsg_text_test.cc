#include "daemon/diagnosis/prober/kmsg_text.h"

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;

constexpr absl::string_view kGoldenList =
    "24@264+96@416+117@2955+117@5259+117@7563+117@9867+117@12171+117@14475+6@14714+6@14842+6@14970+"
    "6@15098+6@15226+6@15354+39@16089+39@16857+39@17625+39@18393+39@19161+39@19929+117@22155+"
    "117@24459+117@26763+117@29067+1397@31371=> 2957 free of 32768 total pages";

bool IsNothing(absl::string_view text) {
  return std::holds_alternative<std::monostate>(ParseKmsgText(text));
}

TEST(KmsgRecordTest, TakesARecordOfTheKernelApart) {
  const auto record = ParseKmsgRecord(
      "6,339,5140900,-;cma: cma_alloc: linux,cma: alloc failed, req-size: 2187 pages, ret: -12\n");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->priority, 6);
  EXPECT_TRUE(record->FromKernel());
  EXPECT_EQ(record->sequence, 339u);
  EXPECT_EQ(record->microseconds, 5140900);
  EXPECT_EQ(record->text,
            "cma: cma_alloc: linux,cma: alloc failed, req-size: 2187 pages, ret: -12");
}

TEST(KmsgRecordTest, LeavesTheLinesWithKeysOut) {
  const auto record = ParseKmsgRecord(
      "7,160,424069,-;pci_root PNP0A03:00: host bridge window\n SUBSYSTEM=acpi\n"
      " DEVICE=+acpi:PNP0A03:00\n");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->text, "pci_root PNP0A03:00: host bridge window");
}

TEST(KmsgRecordTest, TakesFurtherFieldsOfTheKernelsToCome) {
  const auto record =
      ParseKmsgRecord("4,18446744073709551615,9223372036854775807,c,caller=T1;a;b\n");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->sequence, 18446744073709551615u);
  EXPECT_EQ(record->microseconds, 9223372036854775807);
  EXPECT_EQ(record->text, "a;b");
}

TEST(KmsgRecordTest, TellsWhichThreadHadItWritten) {
  EXPECT_EQ(ParseKmsgRecord("4,1,2,-,caller=T42;a\n")->thread, 42);
  for (const absl::string_view other :
       {"4,1,2,-;a\n", "4,1,2,-,caller=C3;a\n", "4,1,2,-,caller=T;a\n", "4,1,2,-,caller=T-1;a\n",
        "4,1,2,-,caller=T2147483648;a\n", "4,1,2,-;a,caller=T7\n"}) {
    EXPECT_EQ(ParseKmsgRecord(other)->thread, 0) << other;
  }
}

TEST(KmsgRecordTest, KnowsWhatAProcessWrote) {
  const auto record = ParseKmsgRecord(
      "12,7,1,-;cma: cma_alloc: reserved: alloc failed, req-size: 1 pages, ret: -16\n");
  ASSERT_TRUE(record.has_value());
  EXPECT_FALSE(record->FromKernel());
}

TEST(KmsgRecordTest, UndoesEscapes) {
  const auto record = ParseKmsgRecord("6,1,2,-;a\\x0ab\\x5cx41\\xC3\n");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->text, "a\nb\\x41\xC3");
}

TEST(KmsgRecordTest, RefusesWhatIsNoWholeRecord) {
  for (const absl::string_view record : {"",
                                         "\n",
                                         ";\n",
                                         "6,1,2,-;cut off",
                                         "6,1,2,-;text\n SUBSYSTEM=a",
                                         "6,1,2,-;text\nno key\n",
                                         "6,1,2;no flags\n",
                                         "6,1,2,;no flags\n",
                                         "6,1;\n",
                                         ",1,2,-;\n",
                                         "6,,2,-;\n",
                                         "6,1,,-;\n",
                                         "-6,1,2,-;\n",
                                         "+6,1,2,-;\n",
                                         " 6,1,2,-;\n",
                                         "6,1, 2,-;\n",
                                         "6,0x1,2,-;\n",
                                         "2048,1,2,-;\n",
                                         "99999999999999999999,1,2,-;\n",
                                         "6,18446744073709551616,2,-;\n",
                                         "6,1,9223372036854775808,-;\n",
                                         "6,1,2,-;a\\\n",
                                         "6,1,2,-;a\\x4\n",
                                         "6,1,2,-;a\\x4g\n",
                                         "6,1,2,-;a\\n\n"}) {
    EXPECT_FALSE(ParseKmsgRecord(record).has_value()) << record;
  }
}

TEST(KmsgTextTest, EveryPrefixOfAFailedAllocationIsRead) {
  struct Case {
    absl::string_view text;
    absl::string_view area;
    int64_t pages;
    int error_number;
  };
  for (const Case& c : {
           Case{"cma: cma_alloc: reserved: alloc failed, req-size: 2187 pages, ret: -12",
                "reserved", 2187, ENOMEM},
           Case{"cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -16", "", 1, EBUSY},
           Case{"cma: cma_alloc: linux,cma: alloc failed, req-size: 524288 pages, ret: -12",
                "linux,cma", 524288, ENOMEM},
           Case{"cma: __cma_alloc: linux,cma: alloc failed, req-size: 256 pages, ret: -16",
                "linux,cma", 256, EBUSY},
           Case{"cma: __cma_alloc: a b] [c: d: alloc failed, req-size: 3 pages, ret: -4",
                "a b] [c: d", 3, EINTR},
       }) {
    const KmsgLine line = ParseKmsgText(c.text);
    ASSERT_TRUE(std::holds_alternative<CmaAllocFailure>(line)) << c.text;
    const auto& failure = std::get<CmaAllocFailure>(line);
    EXPECT_EQ(failure.area, c.area) << c.text;
    EXPECT_EQ(failure.request_pages, c.pages) << c.text;
    EXPECT_EQ(failure.error_number, c.error_number) << c.text;
  }
}

TEST(KmsgTextTest, TheListFromTheFieldHas25RunsAndTheLargestIs1397) {
  for (const absl::string_view prefix :
       {"number of available pages: ", "cma: number of available pages: ",
        "cma: number of available pages: range 0: "}) {
    const KmsgLine line = ParseKmsgText(absl::StrCat(prefix, kGoldenList));
    ASSERT_TRUE(std::holds_alternative<CmaFreeList>(line)) << prefix;
    const auto& list = std::get<CmaFreeList>(line);
    EXPECT_EQ(list.runs.size(), 25u);
    EXPECT_EQ(LargestRun(list.runs), 1397);
    EXPECT_EQ(list.free_pages, 2957);
    EXPECT_EQ(list.total_pages, 32768);
  }
}

TEST(KmsgTextTest, AFullAreaHasNoRuns) {
  const KmsgLine line =
      ParseKmsgText("cma: number of available pages: => 0 free of 16384 total pages");
  ASSERT_TRUE(std::holds_alternative<CmaFreeList>(line));
  EXPECT_TRUE(std::get<CmaFreeList>(line).runs.empty());
}

TEST(KmsgTextTest, BusyFramesAreHexadecimal) {
  const KmsgLine line = ParseKmsgText("alloc_contig_range: [2f100, 2f20a) PFNs busy");
  ASSERT_TRUE(std::holds_alternative<PfnRange>(line));
  EXPECT_EQ(std::get<PfnRange>(line).first, 0x2f100u);
  EXPECT_EQ(std::get<PfnRange>(line).end, 0x2f20au);
}

TEST(KmsgTextTest, PassesOverEveryOtherText) {
  for (const absl::string_view text : {
           "",
           "cma: ",
           "cma: Reserved 64 MiB at 0x1c000000",
           "=>",
           "1234",
           "sh[12]: cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -16",
           "cma: cma_alloc: : alloc failed, req-size: 1 pages, ret: -16",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -16 more",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -16\nmore",
           "cma: cma_alloc: a\nb: alloc failed, req-size: 1 pages, ret: -16",
           "cma: cma_alloc: alloc failed, req-size: 01 pages, ret: -16",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: 0",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -4096",
           "cma: cma_alloc: alloc failed, req-size: 99999999999999999999 pages, ret: -12",
           "cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -",
           "cma: other_alloc: a: alloc failed, req-size: 1 pages, ret: -16",
           "alloc_contig_range: [2f100, 2f100) PFNs busy",
           "alloc_contig_range: [2f20a, 2f100) PFNs busy",
           "alloc_contig_range: [2f100, 2f20a) PFNs busy again",
           "alloc_contig_range: [fffffffffffffffff, 2f20a) PFNs busy",
           "cma: number of available pages: 24@264=> 25 free of 32768 total pages",
           "cma: number of available pages: 24@264=> 24 free of 32768 total page",
           "cma: number of available pages: 24@264+8@280=> 32 free of 32768 total pages",
           "cma: number of available pages: 24@264=> 24 free of 64 total pages",
           "cma: number of available pages: 18446744073709551615@0=> 1 free of 2 total pages",
           "cma: number of available pages: 24@264 and more",
           "cma: range x: 24@264",
           "cma: range 99999999999: 24@264",
       }) {
    EXPECT_TRUE(IsNothing(text)) << text;
  }
}

TEST(KmsgTextTest, TakesNoPieceOfALineForAWhole) {
  const std::string list = absl::StrCat("cma: number of available pages: ", kGoldenList);
  for (const absl::string_view whole :
       {absl::string_view("cma: cma_alloc: reserved: alloc failed, req-size: 2187 pages, ret: -12"),
        absl::string_view("alloc_contig_range: [2f100, 2f20a) PFNs busy"),
        absl::string_view(list)}) {
    for (size_t length = 0; length < whole.size(); ++length) {
      const KmsgLine line = ParseKmsgText(whole.substr(0, length));
      EXPECT_FALSE(std::holds_alternative<CmaFreeList>(line)) << length;
      EXPECT_FALSE(std::holds_alternative<PfnRange>(line)) << length;
      // "ret: -1" is a whole line too: that a record was not cut off, its line break says.
      EXPECT_TRUE(!std::holds_alternative<CmaAllocFailure>(line) || length + 1 == whole.size());
    }
  }
}

absl::optional<CmaFreeList> Join(std::initializer_list<absl::string_view> texts) {
  FreeListParts parts;
  absl::optional<CmaFreeList> list;
  for (const absl::string_view text : texts) {
    EXPECT_FALSE(list.has_value()) << "there is more than the whole list: " << text;
    const KmsgLine line = ParseKmsgText(text);
    if (!std::holds_alternative<FreeListPart>(line)) {
      ADD_FAILURE() << "not a part of a list: " << text;
      return absl::nullopt;
    }
    list = parts.Take(std::get<FreeListPart>(line));
  }
  return list;
}

TEST(FreeListPartsTest, ListsOfSeveralRangesComeInSeveralRecords) {
  const auto list = Join({"cma: number of available pages: ", "cma: range 0: 24@264+8@416",
                          "cma: range 1: +100@0", "cma: => 132 free of 32768 total pages"});
  ASSERT_TRUE(list.has_value());
  EXPECT_THAT(list->runs, ElementsAre(PageRun{264, 24, 0}, PageRun{416, 8, 0}, PageRun{0, 100, 1}));
}

TEST(FreeListPartsTest, AListThatIsTooLongForARecordGoesOnInTheNext) {
  const auto list = Join({"cma: number of available pages: 24@264+8@416", "+100@600",
                          "+2@800=> 134 free of 32768 total pages"});
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->runs.size(), 4u);
  EXPECT_EQ(list->free_pages, 134);
}

TEST(FreeListPartsTest, PartsThatLackOthersMakeNoList) {
  EXPECT_FALSE(Join({"+2@800=> 134 free of 32768 total pages"}).has_value());
  EXPECT_FALSE(
      Join({"cma: number of available pages: 24@264", "cma: => 132 free of 32768 total pages"})
          .has_value());
}

TEST(FreeListPartsTest, ANewListEndsTheOneBefore) {
  const auto list = Join({"cma: number of available pages: 24@264",
                          "cma: number of available pages: 8@0", "=> 8 free of 16 total pages"});
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->free_pages, 8);
}

}  // namespace
}  // namespace dmaheap

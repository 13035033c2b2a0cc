#include "daemon/diagnosis/prober/trace_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// Linux 6.12, recorded in the virtual machine.
constexpr char kRefused[] =
    "   heap-reserved-90      [001] .....     4.088399: test_pages_isolated: start_pfn=0x1c000 "
    "end_pfn=0x1fc00 fin_pfn=0x1cc00 ret=fail\n";
constexpr char kDropped[] =
    "              sh-90      [001] .....     4.230956: page_ref_mod_and_test: pfn=0x1b53d "
    "flags=referenced|uptodate|dirty|lru|active|swapbacked count=3 mapcount=1 "
    "mapping=00000000bf561e9e mt=1 val=-1 ret=0\n";

TEST(TraceTextTest, TellsWhichPageRefusedAWindowToWhom) {
  const TraceLine line = ParseTraceLine(kRefused);
  ASSERT_TRUE(std::holds_alternative<WindowRefused>(line));
  EXPECT_EQ(std::get<WindowRefused>(line).thread, 90);
  EXPECT_EQ(std::get<WindowRefused>(line).frame, 0x1cc00u);
}

TEST(TraceTextTest, TellsOfADroppedReferenceWhatIsLeft) {
  const TraceLine line = ParseTraceLine(kDropped);
  ASSERT_TRUE(std::holds_alternative<ReferenceDropped>(line));
  EXPECT_EQ(std::get<ReferenceDropped>(line).frame, 0x1b53du);
  EXPECT_GT(std::get<ReferenceDropped>(line).thread, 0);
  EXPECT_EQ(std::get<ReferenceDropped>(line).references, 3);
  // mapcount=1 is the raw _mapcount of a page that is mapped twice.
  EXPECT_EQ(std::get<ReferenceDropped>(line).mappings, 2);
}

TEST(TraceTextTest, TakesNoNumberFromTheNameOfAProcess) {
  const TraceLine line = ParseTraceLine(
      "  a-7 [001] b] -12-90  [000] d..1.     4.088399: test_pages_isolated: start_pfn=0x1 "
      "end_pfn=0x3 fin_pfn=0x2 ret=fail");
  ASSERT_TRUE(std::holds_alternative<WindowRefused>(line));
  EXPECT_EQ(std::get<WindowRefused>(line).thread, 90);
}

TEST(TraceTextTest, PassesOverEveryOtherLine) {
  for (const char* line :
       {"", "\n", "CPU:1 [LOST 123 EVENTS]", "# tracer: nop",
        "   heap-reserved-90      [001] .....     4.1: test_pages_isolated: start_pfn=0x1c000 "
        "end_pfn=0x1fc00 fin_pfn=0x1fc00 ret=success",
        "   heap-reserved-90      [001] .....     4.1: test_pages_isolated: start_pfn=0x1c000 "
        "end_pfn=0x1fc00 fin_pfn=0xzz ret=fail",
        "   heap-reserved-x [001] ..... 4.1: test_pages_isolated: fin_pfn=0x2 ret=fail",
        ": test_pages_isolated: fin_pfn=0x2 ret=fail",
        "sh-90 [001] ..... 4.1: page_ref_mod_and_test: pfn=0x1b53d flags=none count=3",
        "sh-90 [001] ..... 4.1: page_ref_mod: pfn=0x1b53d flags=none count=3 mapcount=1"}) {
    EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseTraceLine(line))) << line;
  }
}

TEST(TraceTextTest, TakesNoCountThatTheKernelCanNotWrite) {
  for (const char* counts : {"count=9223372036854775807 mapcount=0", "count=0 mapcount=2147483648",
                             "count=-2147483649 mapcount=0"}) {
    const std::string line = absl::StrCat(
        "sh-90 [001] ..... 4.1: page_ref_mod_and_test: pfn=0x1b53d flags=none ", counts, " ret=0");
    EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseTraceLine(line))) << line;
  }
}

TEST(TraceTextTest, TakesAnyPieceOfALine) {
  for (const absl::string_view whole : {absl::string_view(kRefused), absl::string_view(kDropped)}) {
    for (size_t begin = 0; begin < whole.size(); ++begin) {
      for (size_t length = 0; begin + length <= whole.size(); ++length) {
        ParseTraceLine(whole.substr(begin, length));
      }
    }
  }
}

TEST(TraceTextTest, TakesWhatAnAllocationCameTo) {
  const std::string line =
      "   heap-reserved-90      [001] .....     4.088399: cma_alloc_finish: name=reserved pfn=0x0 "
      "page=0000000000000000 count=15360 align=8 errorno=";
  const TraceLine failed = ParseTraceLine(line + "-12");
  ASSERT_TRUE(std::holds_alternative<AllocationFinished>(failed));
  EXPECT_EQ(std::get<AllocationFinished>(failed).thread, 90);
  EXPECT_EQ(std::get<AllocationFinished>(failed).error_number, 12);
  EXPECT_EQ(std::get<AllocationFinished>(ParseTraceLine(line + "0")).error_number, 0);
  for (const char* none : {"", "12", "-4096", "x"}) {
    EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseTraceLine(line + none))) << none;
  }
}

}  // namespace
}  // namespace dmaheap

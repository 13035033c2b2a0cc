#include "tests/policy_lab/recording/pin_events.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

// Linux 6.12, recorded in the virtual machine.
constexpr char kBegins[] =
    "           storm-164     [001] d.Z..     5.189563: unmapping_of_all_begins: "
    "(tlb_gather_mmu_fullmm+0x0/0x60)\n";
constexpr char kLettingGo[] =
    "           storm-164     [001] d.Z..     5.191375: last_letting_go_begins: "
    "(tlb_finish_mmu+0x0/0x150)\n";
constexpr char kEnds[] =
    "             att-168     [000] .....     5.195333: unmapping_has_ended: "
    "(exit_mmap+0x180/0x3a0 "
    "<- tlb_finish_mmu)\n";
constexpr char kDropped[] =
    "           storm-161     [001] d....     5.177269: page_ref_mod_and_test: pfn=0x1f9ee "
    "flags=uptodate|lru|owner_2|swapbacked count=1 mapcount=0 mapping=00000000e07e6bce mt=4 val=-1 "
    "ret=0\n";
constexpr char kTaken[] =
    "           maker-161     [001] d....     5.177269: page_ref_mod_unless: pfn=0x1f9ee "
    "flags=uptodate|lru count=2 mapcount=0 mapping=00000000e07e6bce mt=4 val=1 ret=1\n";
constexpr char kRefused[] =
    "             att-168     [000] .....     5.317680: test_pages_isolated: start_pfn=0x1c000 "
    "end_pfn=0x20000 fin_pfn=0x1c123 ret=fail\n";
constexpr char kStart[] =
    "             att-168     [000] .....     5.274239: cma_alloc_start: name=reserved count=16384 "
    "align=8\n";
constexpr char kFinish[] =
    "             att-168     [000] .N...     5.321275: cma_alloc_finish: name=reserved "
    "pfn=0x1c000 "
    "page=0000000000000000 count=16384 align=8 errorno=-16\n";

template <typename What>
What MustBe(absl::string_view line) {
  const auto event = ParsePinEvent(line);
  if (!event.has_value() || !std::holds_alternative<What>(event->what)) {
    ADD_FAILURE() << line;
    return What();
  }
  return std::get<What>(event->what);
}

TEST(PinEventsTest, KnowsWhenAndByWhichThread) {
  const auto event = ParsePinEvent(kBegins);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->at, absl::Microseconds(5189563));
  EXPECT_EQ(event->thread, 164);
}

TEST(PinEventsTest, KnowsEachEvent) {
  MustBe<UnmappingBegins>(kBegins);
  MustBe<UnmappingBegins>("sh-1 [000] d.... 5.000001: unmapping_begins: (tlb_gather_mmu+0x0/0x60)");
  MustBe<LettingGoBegins>(kLettingGo);
  MustBe<LettingGoBegins>("sh-1 [000] d.... 5.000001: letting_go_begins: (tlb_flush_mmu+0x0/0x6)");
  MustBe<UnmappingEnds>(kEnds);
  MustBe<AttemptBegins>(kStart);
  EXPECT_EQ(MustBe<WindowRefused>(kRefused).frame, 0x1c123u);
  EXPECT_FALSE(MustBe<AttemptEnds>(kFinish).success);
  EXPECT_TRUE(MustBe<AttemptEnds>("a-1 [000] d 5.000001: cma_alloc_finish: errorno=0").success);
}

TEST(PinEventsTest, CountsTheMappingThatTheKernelsRawNumberLeavesOut) {
  EXPECT_EQ(MustBe<ReferenceDropped>(kDropped).frame, 0x1f9eeu);
  EXPECT_TRUE(MustBe<ReferenceDropped>(kDropped).stays);
  // One reference, one mapping.
  EXPECT_EQ(MustBe<ReferenceDropped>(kDropped).excess, 0);
  // Two, and one mapping: before that there was no more than the mapping.
  EXPECT_EQ(MustBe<ReferenceTaken>(kTaken).excess, 0);
  const auto freed = MustBe<ReferenceDropped>(
      "a-1 [0] d 5.000001: page_ref_mod_and_test: pfn=0x1 count=0 mapcount=-1");
  EXPECT_EQ(freed.excess, 0);
  EXPECT_FALSE(freed.stays);
}

TEST(PinEventsTest, TheNameOfAProcessIsNoEvent) {
  // Fifteen bytes are the most that a process can call itself.
  const auto event = ParsePinEvent(
      "   : pins: -1 [0]-99   [000] d.... 5.000001: unmapping_begins: (tlb_gather_mmu+0x0/0x60)");
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->thread, 99);
}

TEST(PinEventsTest, PassesOverEveryOtherLine) {
  for (const char* line : {
           "",
           "\n",
           "# tracer: nop",
           "CPU:1 [LOST 123 EVENTS]",
           // A window that was given; nothing was taken.
           "a-1 [000] d 5.000001: test_pages_isolated: fin_pfn=0x20000 ret=success",
           "a-1 [000] d 5.000001: page_ref_mod_unless: pfn=0x1 count=0 mapcount=-1 val=1 ret=0",
           // No number, or one that is none of the kernel's.
           "a-1 [000] d 5.000001: page_ref_mod_and_test: pfn=1 count=1 mapcount=0",
           "a-1 [000] d 5.000001: page_ref_mod_and_test: pfn=0x1 count=x mapcount=0",
           "a-1 [000] d 5.000001: page_ref_mod_and_test: pfn=0x1 count=9999999999 mapcount=0",
           "a-1 [000] d 5.000001: page_ref_mod_and_test: pfn=0xfffffffffffffffff count=1 "
           "mapcount=0",
           "a-1 [000] d 5.000001: page_ref_mod_and_test: pfn=0x1 count=1",
           "a-1 [000] d 5.000001: cma_alloc_finish: errorno=",
           // No time, no thread.
           "a-1 [000] d 5: unmapping_begins: ()",
           "a-1 [000] d 5.1: unmapping_begins: ()",
           "a-1 [000] d -5.000001: unmapping_begins: ()",
           "a-1 [000] d 99999999999.000001: unmapping_begins: ()",
           "a-x [000] d 5.000001: unmapping_begins: ()",
           "a-1 5.000001: unmapping_begins: ()",
           ": unmapping_begins: ",
       }) {
    EXPECT_FALSE(ParsePinEvent(line).has_value()) << line;
  }
}

TEST(PinEventsTest, TakesAnyPieceOfALine) {
  for (const absl::string_view whole : {absl::string_view(kDropped), absl::string_view(kTaken),
                                        absl::string_view(kEnds), absl::string_view(kRefused)}) {
    for (size_t begin = 0; begin < whole.size(); ++begin) {
      for (size_t length = 0; begin + length <= whole.size(); ++length) {
        ParsePinEvent(whole.substr(begin, length));
      }
    }
  }
}

TEST(PinEventsTest, EachProbeHasANameThatNoProcessCanHave) {
  const auto probes = UnmappingProbes("group");
  ASSERT_EQ(probes.size(), 5u);
  for (const std::string& probe : probes) {
    const size_t name = probe.find('/') + 1;
    EXPECT_GT(probe.find(' ') - name, 15u) << probe;
    EXPECT_TRUE(absl::StrContains(probe, ":group/")) << probe;
  }
}

}  // namespace
}  // namespace dmaheap::policy_lab

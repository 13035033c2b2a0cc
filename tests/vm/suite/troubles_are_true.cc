// In the guest: each kind of trouble does to an allocation what its label says, and nothing of it
// is left afterwards. The kernel's own word, without the daemon.

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"
#include "tests/vm/guest/cma_counters.h"
#include "tests/vm/guest/guest_process.h"
#include "tests/vm/tools/heap_buffers.h"

namespace dmaheap {
namespace {

constexpr int64_t kPageBytes = 4096;
// The area's alignment, to which the kernel rounds what it gives.
constexpr int64_t kAlignmentPages = 256;

// "begun kind=a b=c" -> {kind: a, b: c}.
std::map<std::string, std::string> ParseLine(const std::string& line) {
  std::map<std::string, std::string> words;
  for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    words.insert(parts);
  }
  return words;
}

int64_t NumberIn(const std::map<std::string, std::string>& words, const std::string& key) {
  int64_t number = -1;
  EXPECT_TRUE(words.count(key) > 0 && absl::SimpleAtoi(words.at(key), &number)) << key;
  return number;
}

// 0, or the errno of an attempt to get so much of the area at once.
int TryToAllocate(int64_t pages) {
  const absl::StatusOr<HeapBuffers> area = HeapBuffers::Open("reserved");
  if (!area.ok()) return GetErrno(area.status());
  const absl::StatusOr<UniqueFd> buffer = area->Allocate(pages * kPageBytes);
  return buffer.ok() ? 0 : GetErrno(buffer.status());
}

class TroubleTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    whole_area_ = ReadCmaCounters().total_pages;
    ASSERT_EQ(TryToAllocate(whole_area_), 0) << "something is in the area before the trouble";
  }

  // Starts kind, runs during with what it said, stops it; then the area must be whole again. What
  // it said in the end.
  template <typename During>
  std::map<std::string, std::string> With(const std::string& kind, During during) {
    GuestProcess maker({"trouble_maker", kind}, /*uid=*/0);
    const std::map<std::string, std::string> begun = ParseLine(maker.ReadLine());
    EXPECT_EQ(begun.count("begun"), 1u) << maker.output();
    if (begun.count("begun") > 0) during(begun);
    maker.WriteLine("");
    const std::map<std::string, std::string> ended = ParseLine(maker.ReadLine());
    EXPECT_EQ(maker.Wait(), 0) << maker.output() << maker.error();
    EXPECT_EQ(ReadCmaCounters().used_pages, 0);
    EXPECT_EQ(TryToAllocate(whole_area_), 0) << "the trouble is not over";
    return ended;
  }

  int64_t whole_area_ = 0;
};

// A pin blocks every window that has one of its pages, however often one tries.
void IsBlockedForGood(const std::map<std::string, std::string>& begun, int64_t whole_area) {
  const int64_t run = NumberIn(begun, "largest_free_pages");
  EXPECT_LT(run, whole_area / 2);
  for (int attempt = 0; attempt < 5; ++attempt) {
    EXPECT_EQ(TryToAllocate(whole_area), ENOMEM);
    EXPECT_EQ(TryToAllocate(run + kAlignmentPages), ENOMEM);
  }
  EXPECT_EQ(ReadCmaCounters().used_pages, 0);
}

TEST_F(TroubleTest, PagesInAPipeAreStuckUntilItIsClosed) {
  With("vmsplice_pin", [&](const auto& begun) {
    EXPECT_EQ(begun.at("verdict"), "PINNED_STUCK");
    EXPECT_EQ(begun.at("cause"), "PIPE");
    IsBlockedForGood(begun, whole_area_);
  });
}

TEST_F(TroubleTest, PagesOfAFileInAPipeAreStuckUntilItIsClosed) {
  for (const char* kind : {"memfd_pin", "tmpfs_pin", "page_cache_pin"}) {
    With(kind, [&](const auto& begun) { IsBlockedForGood(begun, whole_area_); });
  }
}

TEST_F(TroubleTest, PagesThatOnlyAPipeHasAreStuckUntilItIsClosed) {
  With("unmapped_pin", [&](const auto& begun) { IsBlockedForGood(begun, whole_area_); });
}

TEST_F(TroubleTest, PagesUnderADirectTransferAreHeldUntilItEnds) {
  With("direct_io_pin", [&](const auto& begun) {
    EXPECT_EQ(begun.at("cause"), "DIRECT_IO");
    EXPECT_EQ(TryToAllocate(whole_area_), ENOMEM);
  });
}

TEST_F(TroubleTest, AFullAreaGivesNothing) {
  With("full_area", [&](const auto& begun) {
    EXPECT_EQ(begun.at("verdict"), "EXHAUSTED");
    EXPECT_EQ(ReadCmaCounters().used_pages, whole_area_);
    EXPECT_EQ(TryToAllocate(1), ENOMEM);
  });
}

TEST_F(TroubleTest, AFragmentedAreaGivesNoMoreThanItsLargestRun) {
  With("fragmented_area", [&](const auto& begun) {
    EXPECT_EQ(begun.at("verdict"), "FRAGMENTED");
    EXPECT_EQ(ReadCmaCounters().used_pages, whole_area_ / 2);
    const int64_t run = NumberIn(begun, "largest_free_pages");
    EXPECT_EQ(TryToAllocate(run), 0);
    EXPECT_EQ(TryToAllocate(2 * run), ENOMEM);
  });
}

TEST_F(TroubleTest, HugePagesThatFindNoOtherPlaceStayWhereTheyAre) {
  With("no_migration_target", [&](const auto& begun) {
    EXPECT_EQ(begun.at("verdict"), "NO_MIGRATION_TARGET");
    EXPECT_GT(NumberIn(begun, "huge_pages_inside"), 0);
    for (int attempt = 0; attempt < 5; ++attempt) EXPECT_EQ(TryToAllocate(whole_area_), ENOMEM);
    EXPECT_EQ(ReadCmaCounters().used_pages, 0);
  });
}

// Movable memory is in the way of nobody.
class OccupantTest : public TroubleTest, public testing::WithParamInterface<const char*> {};

TEST_P(OccupantTest, MovesAway) {
  With(GetParam(), [&](const auto& begun) {
    EXPECT_EQ(begun.at("verdict"), "NONE");
    EXPECT_EQ(TryToAllocate(whole_area_), 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Kinds, OccupantTest,
                         testing::Values("memory_hold", "page_cache_occupant", "tmpfs_occupant"));

// How often a storm makes an attempt fail is for the benchmark to measure; here, that it rages, and
// that nothing is left of it.
class StormTest : public TroubleTest, public testing::WithParamInterface<const char*> {};

TEST_P(StormTest, RagesAndEnds) {
  int64_t attempts = 0;
  int64_t failures = 0;
  const std::map<std::string, std::string> ended = With(GetParam(), [&](const auto& begun) {
    EXPECT_EQ(begun.at("verdict"), "PINNED_TRANSIENT");
    for (; attempts < 20; ++attempts) failures += TryToAllocate(whole_area_) == 0 ? 0 : 1;
  });
  EXPECT_GT(NumberIn(ended, "rounds"), 0);
  EXPECT_EQ(NumberIn(ended, "failures"), 0);
  EXPECT_EQ(NumberIn(ended, "oom_kills"), 0);
  RecordProperty("attempts_that_failed", absl::StrCat(failures, " of ", attempts));
}

INSTANTIATE_TEST_SUITE_P(Kinds, StormTest, testing::Values("exit_storm", "fork_storm"));

}  // namespace
}  // namespace dmaheap

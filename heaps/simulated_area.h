// A CMA area that exists only as arithmetic: page frames, a bitmap, movable pages of others in the
// free frames, and pins on some of them. It gives, refuses and takes time as cma_alloc (mm/cma.c)
// does.
//
// The model, and where the kernel does the same:
//  - A request is aligned to its order, at most to 1 MiB (CMA_ALIGNMENT 8), and put into the first
//    window of the bitmap that is free (cma_alloc, bitmap_find_next_zero_area_off).
//  - An occupant has movable pages in frames that no buffer has. Those in the window are migrated
//    out, which takes time for each page. A pinned page can not be migrated: after 5 rounds
//    (__alloc_contig_migrate_range) the window is given up and the search goes on one alignment
//    step further, until the bitmap ends. Nothing sleeps and no window is tried twice.
//  - Migrated pages go to memory outside of the area, and when that is full into free frames of the
//    area; when there are none, the attempt ends at once (ENOMEM with room in the bitmap).
//  - Frames of a freed buffer fill up again with pages that the occupant has outside.
// It differs from the kernel in that only frames given to AddOccupant or Pin ever have an occupant.
//
// Deterministic: the same calls with the same seed and the same times give the same answers, on
// every machine. Knows no clock: the caller passes the time and lets it pass (Attempt::elapsed).
// Not thread-safe. Frames are named by PFN: base_pfn to base_pfn + pages - 1.

#ifndef HEAPS_SIMULATED_AREA_H_
#define HEAPS_SIMULATED_AREA_H_

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "heaps/cma_area.h"
#include "heaps/page_bitmap.h"

namespace dmaheap {

struct SimulatedAreaOptions {
  // Of the area. 1 to kMaxSimulatedPages.
  int64_t pages = 0;
  // The first frame: where a machine with 8 GiB might have its area.
  int64_t base_pfn = 0x100000;
  uint64_t seed = 0;
  // Frames that the occupant has in the beginning; 0 to pages.
  int64_t occupant_pages = 0;
  // Pages that can be migrated out before memory outside is full; absent: any number.
  absl::optional<int64_t> outside_pages;
  // Copying 4 KiB and changing the page tables: 1 to 5 us on machines that have been measured.
  absl::Duration migration_cost_per_page = absl::Microseconds(2);
};

// 64 GiB of pages of 4 KiB: more than any area, and bitmaps of 2 MiB.
inline constexpr int64_t kMaxSimulatedPages = int64_t{1} << 24;

class SimulatedArea {
 public:
  // Why there was no memory; the kernel says ENOMEM to all of it.
  enum class Cause {
    kNone,
    // Fewer free frames than asked for.
    kFull,
    // Enough free frames, but no free window (which may be for the alignment alone).
    kFragmented,
    // There were free windows, and a pinned page in each.
    kPinned,
    // There was a free window, but no memory to migrate its pages to.
    kNoMigrationTarget,
  };

  // One call of cma_alloc.
  struct Attempt {
    Cause cause = Cause::kNone;
    // The frames, when cause is kNone.
    int64_t first_pfn = 0;
    int64_t pages = 0;
    // Windows of the bitmap that were tried.
    int64_t windows = 0;
    // The first pinned frame of the last window, when cause is kPinned.
    int64_t blocking_pfn = 0;
    // What the call takes.
    absl::Duration elapsed;
    int64_t migrated_pages = 0;
    // The alignment that was asked of the window.
    int64_t alignment_pages = 0;
    // At the time of the call.
    int64_t free_pages = 0;
    // The same, when cause is not kNone: counting takes longer than all the rest of a success.
    int64_t largest_free_pages = 0;
  };

  // kInvalidArgument names the option that is out of its range.
  static absl::StatusOr<SimulatedArea> Create(const SimulatedAreaOptions& options);

  // pages: 1 or more. May ask for more than the area has.
  Attempt Allocate(int64_t pages, absl::Time now);

  // Frees what Allocate or Adopt returned. Frames that no buffer has are kInvalidArgument, and
  // nothing changes.
  absl::Status Free(int64_t first_pfn, int64_t pages);

  // Takes frames for a buffer that is there already: in one run where there is one, else in
  // several. Migrates without asking for the time. kResourceExhausted where fewer are free.
  absl::StatusOr<std::vector<PageRun>> Adopt(int64_t pages);

  // Puts movable pages into vacant frames, chosen by the seed; returns how many found one. The
  // others wait outside for frames to be freed.
  int64_t AddOccupant(int64_t pages);

  // Pins the occupant's page in this frame until then (absl::InfiniteFuture: for ever); a vacant
  // frame gets one first. kOutOfRange: no frame of the area; kFailedPrecondition: a buffer has it.
  absl::Status Pin(int64_t pfn, absl::Time until);

  // Pins pages of the occupant that have no pin yet, chosen by the seed; returns their frames.
  std::vector<int64_t> PinSome(int64_t pages, absl::Time until);

  // Ends a pin at once. kNotFound.
  absl::Status Unpin(int64_t pfn);

  int64_t base_pfn() const { return options_.base_pfn; }
  int64_t total_pages() const { return options_.pages; }
  // Frames that buffers have.
  int64_t used_pages() const { return used_.count(); }
  // Frames that the occupant has in the area, and pages it has outside.
  int64_t resident_pages() const { return occupied_.count(); }
  int64_t outside_pages() const { return outside_pages_; }
  // As the kernel lists them: frames of the occupant are free.
  CmaFreeList FreeList() const;
  int64_t LargestFreePages() const;
  // Frames pinned at that time, ascending.
  std::vector<int64_t> PinnedPfns(absl::Time now) const;

 private:
  enum class WindowResult { kCleared, kPinned, kNoTarget };

  explicit SimulatedArea(const SimulatedAreaOptions& options);

  // Allocate, but for what only a refusal has to say.
  Attempt TryWindows(int64_t pages, absl::Time now);
  // Frames below count from the beginning of the area.
  WindowResult ClearWindow(int64_t first, int64_t pages, absl::Time now, Attempt* attempt);
  // Moves one page out of the window; false where there is no place.
  bool MigrateOut(int64_t frame, int64_t window_first, int64_t window_pages);
  bool IsPinned(int64_t frame, absl::Time now) const;
  // The first frame in [from, end) that neither a buffer nor the occupant has, end if none.
  int64_t NextVacant(int64_t from, int64_t end) const;
  // Places up to `pages` of the occupant's into vacant frames, each vacant frame as likely as
  // others.
  int64_t Settle(int64_t pages);
  // Takes frames for a buffer, with whatever is in them.
  void Evict(int64_t first, int64_t pages);
  // A number in [0, bound), the same on every machine.
  int64_t Random(int64_t bound);

  SimulatedAreaOptions options_;
  std::mt19937_64 random_;
  // Frames of buffers.
  PageBitmap used_;
  // Frames of the occupant; never a frame of a buffer.
  PageBitmap occupied_;
  int64_t outside_pages_ = 0;
  // Frames of the occupant that are pinned, and until when.
  std::map<int64_t, absl::Time> pins_;
};

// "full", "fragmented", "pinned", "no_migration_target"; "none".
absl::string_view CauseName(SimulatedArea::Cause cause);

}  // namespace dmaheap

#endif  // HEAPS_SIMULATED_AREA_H_

#include "heaps/simulated_area.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "heaps/page_math.h"

namespace dmaheap {
namespace {

// CONFIG_CMA_ALIGNMENT: the largest order that cma_heap and dma_alloc_contiguous align to.
constexpr int kMaxAlignmentOrder = 8;

// __alloc_contig_migrate_range (mm/page_alloc.c) gives up after as many.
constexpr int kMigrationRounds = 5;

}  // namespace

absl::string_view CauseName(SimulatedArea::Cause cause) {
  switch (cause) {
    case SimulatedArea::Cause::kNone:
      return "none";
    case SimulatedArea::Cause::kFull:
      return "full";
    case SimulatedArea::Cause::kFragmented:
      return "fragmented";
    case SimulatedArea::Cause::kPinned:
      return "pinned";
    case SimulatedArea::Cause::kNoMigrationTarget:
      return "no_migration_target";
  }
  return "none";
}

absl::StatusOr<SimulatedArea> SimulatedArea::Create(const SimulatedAreaOptions& options) {
  if (options.pages < 1 || options.pages > kMaxSimulatedPages) {
    return absl::InvalidArgumentError(
        absl::StrCat("pages ", options.pages, " is not in 1 to ", kMaxSimulatedPages));
  }
  // Twice the largest area, so that PFNs and their sums stay small.
  if (options.base_pfn < 0 || options.base_pfn > (int64_t{1} << 40)) {
    return absl::InvalidArgumentError(
        absl::StrCat("base_pfn ", options.base_pfn, " is not in 0 to 2^40"));
  }
  if (options.occupant_pages < 0 || options.occupant_pages > options.pages) {
    return absl::InvalidArgumentError(
        absl::StrCat("occupant_pages ", options.occupant_pages, " is not in 0 to ", options.pages));
  }
  if (options.outside_pages.has_value() && *options.outside_pages < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("outside_pages ", *options.outside_pages, " is negative"));
  }
  if (options.migration_cost_per_page < absl::ZeroDuration() ||
      options.migration_cost_per_page > absl::Seconds(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("migration_cost_per_page ",
                     absl::FormatDuration(options.migration_cost_per_page), " is not in 0 to 1s"));
  }
  SimulatedArea area(options);
  area.Settle(options.occupant_pages);
  return area;
}

SimulatedArea::SimulatedArea(const SimulatedAreaOptions& options)
    : options_(options), random_(options.seed), used_(options.pages), occupied_(options.pages) {}

SimulatedArea::Attempt SimulatedArea::Allocate(int64_t pages, absl::Time now) {
  Attempt attempt = TryWindows(pages, now);
  // No refusal changes which frames buffers have.
  if (attempt.cause != Cause::kNone) attempt.largest_free_pages = LargestFreePages();
  return attempt;
}

SimulatedArea::Attempt SimulatedArea::TryWindows(int64_t pages, absl::Time now) {
  Attempt attempt;
  attempt.pages = pages;
  attempt.alignment_pages = int64_t{1} << std::min(OrderOfPages(pages), kMaxAlignmentOrder);
  attempt.free_pages = total_pages() - used_pages();
  // What the kernel adds so that PFNs are aligned, and not frame numbers
  // (cma_bitmap_aligned_offset).
  const int64_t offset = base_pfn() & (attempt.alignment_pages - 1);
  if (pages > attempt.free_pages) {
    attempt.cause = Cause::kFull;
    return attempt;
  }
  attempt.cause = Cause::kFragmented;
  int64_t start = 0;
  while (true) {
    const int64_t first = used_.FindClearArea(start, pages, attempt.alignment_pages, offset);
    if (first < 0) return attempt;
    ++attempt.windows;
    switch (ClearWindow(first, pages, now, &attempt)) {
      case WindowResult::kCleared:
        used_.Set(first, pages);
        attempt.cause = Cause::kNone;
        attempt.first_pfn = base_pfn() + first;
        return attempt;
      case WindowResult::kPinned:
        attempt.cause = Cause::kPinned;
        break;
      case WindowResult::kNoTarget:
        attempt.cause = Cause::kNoMigrationTarget;
        return attempt;
    }
    start = first + attempt.alignment_pages;
  }
}

SimulatedArea::WindowResult SimulatedArea::ClearWindow(int64_t first, int64_t pages, absl::Time now,
                                                       Attempt* attempt) {
  const int64_t end = first + pages;
  for (int round = 0; round < kMigrationRounds; ++round) {
    for (int64_t frame = occupied_.NextSet(first, end); frame < end;
         frame = occupied_.NextSet(frame + 1, end)) {
      // Whether it works or not: the page tables were walked and the page was locked.
      attempt->elapsed += options_.migration_cost_per_page;
      if (IsPinned(frame, now + attempt->elapsed)) continue;
      if (!MigrateOut(frame, first, pages)) return WindowResult::kNoTarget;
      ++attempt->migrated_pages;
    }
    if (occupied_.NextSet(first, end) == end) return WindowResult::kCleared;
  }
  // test_pages_isolated: the first page that is still there.
  attempt->blocking_pfn = base_pfn() + occupied_.NextSet(first, end);
  return WindowResult::kPinned;
}

bool SimulatedArea::MigrateOut(int64_t frame, int64_t window_first, int64_t window_pages) {
  if (!options_.outside_pages.has_value() || outside_pages_ < *options_.outside_pages) {
    ++outside_pages_;
  } else {
    int64_t target = NextVacant(0, window_first);
    if (target == window_first) target = NextVacant(window_first + window_pages, total_pages());
    if (target == total_pages()) return false;
    occupied_.Set(target);
  }
  occupied_.Clear(frame);
  // A pin that has ended is no pin of the page that comes here next.
  pins_.erase(frame);
  return true;
}

absl::Status SimulatedArea::Free(int64_t first_pfn, int64_t pages) {
  const int64_t first = first_pfn - base_pfn();
  if (first < 0 || pages < 1 || pages > total_pages() || first > total_pages() - pages ||
      used_.NextClear(first, first + pages) != first + pages) {
    return absl::InvalidArgumentError(
        absl::StrCat("no buffer has all of the ", pages, " frames from PFN ", first_pfn, " on"));
  }
  used_.Clear(first, pages);
  outside_pages_ -= Settle(outside_pages_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PageRun>> SimulatedArea::Adopt(int64_t pages) {
  if (pages < 1 || pages > total_pages() - used_pages()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(pages, " pages are not free: ", total_pages() - used_pages(), " of ",
                     total_pages(), " are"));
  }
  std::vector<PageRun> runs;
  int64_t left = pages;
  int64_t frame = std::max<int64_t>(used_.FindClearArea(0, pages, 1, 0), 0);
  while (left > 0) {
    const int64_t first = used_.NextClear(frame, total_pages());
    const int64_t end = used_.NextSet(first, std::min(total_pages(), first + left));
    Evict(first, end - first);
    runs.push_back({base_pfn() + first, end - first});
    left -= end - first;
    frame = end;
  }
  return runs;
}

void SimulatedArea::Evict(int64_t first, int64_t pages) {
  const int64_t end = first + pages;
  for (int64_t frame = occupied_.NextSet(first, end); frame < end;
       frame = occupied_.NextSet(frame + 1, end)) {
    occupied_.Clear(frame);
    pins_.erase(frame);
    ++outside_pages_;
  }
  used_.Set(first, pages);
}

int64_t SimulatedArea::AddOccupant(int64_t pages) {
  const int64_t settled = Settle(pages);
  outside_pages_ += pages - settled;
  return settled;
}

int64_t SimulatedArea::Settle(int64_t pages) {
  int64_t vacant = total_pages() - used_.count() - occupied_.count();
  int64_t wanted = std::min(pages, vacant);
  const int64_t settled = wanted;
  // Selection sampling: one walk over the vacant frames, each taken with the right probability.
  for (int64_t frame = NextVacant(0, total_pages()); wanted > 0;
       frame = NextVacant(frame + 1, total_pages())) {
    if (Random(vacant) < wanted) {
      occupied_.Set(frame);
      --wanted;
    }
    --vacant;
  }
  return settled;
}

absl::Status SimulatedArea::Pin(int64_t pfn, absl::Time until) {
  const int64_t frame = pfn - base_pfn();
  if (frame < 0 || frame >= total_pages()) {
    return absl::OutOfRangeError(absl::StrCat("PFN ", pfn, " is not in ", base_pfn(), " to ",
                                              base_pfn() + total_pages() - 1));
  }
  if (used_.Test(frame)) {
    return absl::FailedPreconditionError(absl::StrCat("a buffer has the frame of PFN ", pfn));
  }
  occupied_.Set(frame);
  pins_[frame] = until;
  return absl::OkStatus();
}

std::vector<int64_t> SimulatedArea::PinSome(int64_t pages, absl::Time until) {
  std::vector<int64_t> candidates;
  for (int64_t frame = occupied_.NextSet(0, total_pages()); frame < total_pages();
       frame = occupied_.NextSet(frame + 1, total_pages())) {
    if (pins_.count(frame) == 0) candidates.push_back(frame);
  }
  std::vector<int64_t> pinned;
  int64_t left = static_cast<int64_t>(candidates.size());
  int64_t wanted = std::min(std::max<int64_t>(pages, 0), left);
  for (const int64_t frame : candidates) {
    if (Random(left) < wanted) {
      pins_[frame] = until;
      pinned.push_back(base_pfn() + frame);
      --wanted;
    }
    --left;
  }
  return pinned;
}

absl::Status SimulatedArea::Unpin(int64_t pfn) {
  if (pins_.erase(pfn - base_pfn()) == 0) {
    return absl::NotFoundError(absl::StrCat("PFN ", pfn, " has no pin"));
  }
  return absl::OkStatus();
}

CmaFreeList SimulatedArea::FreeList() const {
  CmaFreeList list;
  list.total_pages = total_pages();
  list.free_pages = total_pages() - used_pages();
  int64_t first = used_.NextClear(0, total_pages());
  while (first < total_pages()) {
    const int64_t end = used_.NextSet(first, total_pages());
    list.runs.push_back({first, end - first});
    first = used_.NextClear(end, total_pages());
  }
  return list;
}

int64_t SimulatedArea::LargestFreePages() const {
  int64_t largest = 0;
  int64_t first = used_.NextClear(0, total_pages());
  while (first < total_pages()) {
    const int64_t end = used_.NextSet(first, total_pages());
    largest = std::max(largest, end - first);
    first = used_.NextClear(end, total_pages());
  }
  return largest;
}

std::vector<int64_t> SimulatedArea::PinnedPfns(absl::Time now) const {
  std::vector<int64_t> pfns;
  for (const auto& [frame, until] : pins_) {
    if (now < until) pfns.push_back(base_pfn() + frame);
  }
  return pfns;
}

bool SimulatedArea::IsPinned(int64_t frame, absl::Time now) const {
  const auto pin = pins_.find(frame);
  return pin != pins_.end() && now < pin->second;
}

int64_t SimulatedArea::NextVacant(int64_t from, int64_t end) const {
  while (from < end) {
    const int64_t unused = used_.NextClear(from, end);
    const int64_t vacant = occupied_.NextClear(unused, end);
    if (vacant == end || !used_.Test(vacant)) return vacant;
    from = vacant;
  }
  return end;
}

int64_t SimulatedArea::Random(int64_t bound) {
  // std::uniform_int_distribution gives other numbers with another library. The bias of a remainder
  // is bound / 2^64: nothing.
  return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
}

}  // namespace dmaheap

#include "daemon/diagnosis/fit.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "heaps/page_math.h"

namespace dmaheap {
namespace {

int64_t AlignOf(int64_t pages, int align_order) {
  return int64_t{1} << std::min(OrderOfPages(pages), align_order);
}

int64_t RoundUp(int64_t value, int64_t align) { return (value + align - 1) / align * align; }

int64_t EndOf(const PageRun& run) { return run.first + run.pages; }

bool HasRanges(const CmaFreeList& area) {
  return std::any_of(area.runs.begin(), area.runs.end(),
                     [](const PageRun& run) { return run.range != 0; });
}

// The largest request that fits into a run.
int64_t LargestIn(const PageRun& run, int align_order) {
  int64_t largest = 0;
  for (int order = 0; order <= align_order; ++order) {
    const int64_t align = int64_t{1} << order;
    const int64_t left = EndOf(run) - RoundUp(run.first, align);
    // Beyond the largest alignment every size is aligned alike.
    const int64_t most = order == align_order ? left : std::min(left, align);
    if (most > align / 2) largest = std::max(largest, most);
  }
  return largest;
}

// Used pages without a free one between them, as buffers of the given sizes if they are that in one
// way only.
class Tiling {
 public:
  Tiling(absl::Span<const int64_t> sizes, int align_order)
      : sizes_(sizes), align_order_(align_order) {}

  // Empty: none, or more than one.
  std::vector<PageRun> Of(const PageRun& used) {
    end_ = EndOf(used);
    ways_.clear();
    std::vector<PageRun> tiles;
    if (WaysFrom(used.first) != 1) return tiles;
    for (int64_t at = used.first; at < end_;) {
      for (const int64_t size : sizes_) {
        if (!MayBegin(at, size) || WaysFrom(at + size) != 1) continue;
        tiles.push_back({.first = at, .pages = size});
        at += size;
        break;
      }
    }
    return tiles;
  }

 private:
  bool MayBegin(int64_t at, int64_t size) const {
    return at % AlignOf(size, align_order_) == 0 && size <= end_ - at;
  }

  // In how many ways what is left from there can be tiled: 0, 1, or 2 for more. From behind, so
  // that an area of many small buffers is no deep recursion.
  int WaysFrom(int64_t from) {
    if (from == end_) return 1;
    if (const auto known = ways_.find(from); known != ways_.end()) return known->second;
    std::vector<int64_t> reached = {from};
    for (size_t i = 0; i < reached.size(); ++i) {
      for (const int64_t size : sizes_) {
        const int64_t next = reached[i] + size;
        if (MayBegin(reached[i], size) && next != end_ && ways_.emplace(next, 0).second) {
          reached.push_back(next);
        }
      }
    }
    std::sort(reached.begin(), reached.end(), std::greater<>());
    for (const int64_t at : reached) {
      int ways = 0;
      for (const int64_t size : sizes_) {
        if (!MayBegin(at, size)) continue;
        ways += at + size == end_ ? 1 : ways_[at + size];
      }
      ways_[at] = std::min(ways, 2);
    }
    return ways_[from];
  }

  const absl::Span<const int64_t> sizes_;
  const int align_order_;
  int64_t end_ = 0;
  std::map<int64_t, int> ways_;
};

// What is between the free runs.
std::vector<PageRun> UsedRuns(const CmaFreeList& area) {
  std::vector<PageRun> used;
  int64_t at = 0;
  for (const PageRun& run : area.runs) {
    if (run.first > at) used.push_back({.first = at, .pages = run.first - at});
    at = EndOf(run);
  }
  if (area.total_pages > at) used.push_back({.first = at, .pages = area.total_pages - at});
  return used;
}

// What a place costs: less is better, from the first on.
using Cost = std::tuple<int64_t /*pages of unknown use*/, size_t /*parts*/, int64_t /*pages*/>;

Cost CostOf(absl::Span<const UsedPart> parts, const PageRun& window) {
  int64_t unknown = 0;
  int64_t pages = 0;
  for (const UsedPart& part : parts) {
    if (part.candidates.empty()) {
      // So much of it at least.
      unknown += std::min(EndOf(part.run), EndOf(window)) - std::max(part.run.first, window.first);
    }
    pages += part.run.pages;
  }
  return {unknown, parts.size(), pages};
}

absl::optional<Opening> CheapestOpening(const CmaFreeList& area, absl::Span<const UsedPart> parts,
                                        int64_t pages, int64_t align) {
  absl::optional<Cost> best;
  PageRun window = {.first = 0, .pages = pages};
  PageRun best_window;
  absl::Span<const UsedPart> best_parts;
  size_t begin = 0;
  for (; EndOf(window) <= area.total_pages; window.first += align) {
    while (begin < parts.size() && EndOf(parts[begin].run) <= window.first) ++begin;
    size_t end = begin;
    while (end < parts.size() && parts[end].run.first < EndOf(window)) ++end;
    const absl::Span<const UsedPart> inside = parts.subspan(begin, end - begin);
    const Cost cost = CostOf(inside, window);
    if (!best.has_value() || cost < *best) {
      best = cost;
      best_window = window;
      best_parts = inside;
    }
  }
  if (!best.has_value()) return absl::nullopt;
  Opening opening;
  opening.parts.assign(best_parts.begin(), best_parts.end());
  // To the next used page behind what is released.
  const auto behind =
      best_parts.end() == parts.end() ? area.total_pages : best_parts.end()->run.first;
  opening.run = {.first = best_window.first, .pages = behind - best_window.first};
  return opening;
}

}  // namespace

std::vector<UsedPart> UsedParts(const CmaFreeList& area, absl::Span<const BufferInArea> buffers,
                                int align_order) {
  std::map<int64_t, size_t> placed;
  std::map<int64_t, std::vector<size_t>> by_size;
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].pages <= 0) continue;
    if (buffers[i].first.has_value()) {
      placed.emplace(*buffers[i].first, i);
    } else {
      by_size[buffers[i].pages].push_back(i);
    }
  }
  std::vector<int64_t> sizes;
  for (const auto& [size, indices] : by_size) sizes.push_back(size);
  Tiling tiling(sizes, align_order);

  std::vector<UsedPart> parts;
  const auto infer = [&](const PageRun& used) {
    if (used.pages <= 0) return;
    const std::vector<PageRun> tiles = tiling.Of(used);
    for (const PageRun& tile : tiles) parts.push_back({tile, by_size[tile.pages]});
    if (tiles.empty()) parts.push_back({used, {}});
  };
  for (const PageRun& used : UsedRuns(area)) {
    int64_t at = used.first;
    for (auto it = placed.lower_bound(used.first); it != placed.end(); ++it) {
      const PageRun run = {.first = it->first, .pages = buffers[it->second].pages};
      // Said of pages that are free, or overlapping another: older than the list.
      if (EndOf(run) > EndOf(used)) break;
      if (run.first < at) continue;
      infer({.first = at, .pages = run.first - at});
      parts.push_back({run, {it->second}});
      at = EndOf(run);
    }
    infer({.first = at, .pages = EndOf(used) - at});
  }
  return parts;
}

Fit FitInto(const CmaFreeList& area, absl::Span<const BufferInArea> buffers, int64_t pages,
            int align_order) {
  Fit fit;
  fit.align_pages = AlignOf(pages, align_order);
  fit.rounded_pages = RoundUp(pages, fit.align_pages);
  fit.free_pages = area.free_pages;
  for (const PageRun& run : area.runs) {
    fit.largest_run_pages = std::max(fit.largest_run_pages, run.pages);
    fit.largest_fit_pages = std::max(fit.largest_fit_pages, LargestIn(run, align_order));
    fit.fits = fit.fits || EndOf(run) - RoundUp(run.first, fit.align_pages) >= pages;
  }
  fit.fits_unaligned = fit.largest_run_pages >= pages;
  if (fit.fits || HasRanges(area)) return fit;

  fit.opening =
      CheapestOpening(area, UsedParts(area, buffers, align_order), pages, fit.align_pages);
  const bool open_end = !area.runs.empty() && EndOf(area.runs.back()) == area.total_pages;
  const int64_t tail = open_end ? area.runs.back().first : area.total_pages;
  fit.larger_by_pages = RoundUp(tail, fit.align_pages) + pages - area.total_pages;
  return fit;
}

}  // namespace dmaheap

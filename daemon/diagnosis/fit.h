// What would make a request fit into a CMA area that refused it: pure functions over the area's
// free list and the buffers that the books have in it.
//
// Where a buffer lies is known only where somebody said so. Else it is inferred: used pages between
// two free runs that buffers of the sizes there are tile in one way only, each at the alignment
// that the kernel gives to its size, are such buffers. Which of several of one size it is, nobody
// can tell from that: all of them are named as candidates. What can not be told stays used pages
// without a name; they may be a driver's.
//
// Counts are pages; positions are counted from the beginning of the area.

#ifndef DAEMON_DIAGNOSIS_FIT_H_
#define DAEMON_DIAGNOSIS_FIT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "heaps/cma_area.h"

namespace dmaheap {

// CONFIG_CMA_ALIGNMENT as kernels ship it: a request is aligned to its order, at most to this one
// (cma_alloc in mm/cma.c, by cma_heap_allocate in drivers/dma-buf/heaps/cma_heap.c).
inline constexpr int kCmaAlignmentOrder = 8;

// A live buffer of the area.
struct BufferInArea {
  int64_t pages = 0;
  // Absent: not known.
  absl::optional<int64_t> first = absl::nullopt;
};

// Used pages that end together.
struct UsedPart {
  PageRun run;
  // Indices of the buffers that it may be, all of its size; of one whose place is known, itself
  // alone. Empty: nobody knows what it is.
  std::vector<size_t> candidates;
};

// The used pages of an area, ascending.
std::vector<UsedPart> UsedParts(const CmaFreeList& area, absl::Span<const BufferInArea> buffers,
                                int align_order = kCmaAlignmentOrder);

// The cheapest place for a request that there is no place for.
struct Opening {
  // From where the request would begin, at its alignment, to where the free pages would end.
  PageRun run;
  // What has to be released, ascending.
  std::vector<UsedPart> parts;
};

struct Fit {
  // What the request is aligned to, and what it takes with what nobody else of its size can use.
  int64_t align_pages = 0;
  int64_t rounded_pages = 0;

  int64_t free_pages = 0;
  int64_t largest_run_pages = 0;
  // The largest request that has a place now.
  int64_t largest_fit_pages = 0;
  // The request has one: something else than the free list is in its way.
  bool fits = false;
  // It would have one if any page would do to begin at.
  bool fits_unaligned = false;

  // If it does not fit. Of the places with the fewest pages of unknown use, that of the fewest
  // buffers, then of the fewest pages. Absent: it is larger than the area, or the area has several
  // ranges.
  absl::optional<Opening> opening = absl::nullopt;
  // So many pages more at the end of the area. Absent where it has several ranges.
  absl::optional<int64_t> larger_by_pages = absl::nullopt;

  // Stranded by each buffer of this size.
  int64_t waste_pages(int64_t pages) const { return rounded_pages - pages; }
};

// pages: of the request, 1 or more.
Fit FitInto(const CmaFreeList& area, absl::Span<const BufferInArea> buffers, int64_t pages,
            int align_order = kCmaAlignmentOrder);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_FIT_H_

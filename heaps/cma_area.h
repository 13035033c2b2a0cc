// What the kernel says of a contiguous memory area (CMA), as text: its free list in the log, the
// lines of a failed allocation, its files in debugfs and sysfs.
//
// Pure functions: they get text and give values, never read a file. Text of the kernel is still
// text of somebody else: whatever contradicts itself is kInvalidArgument, never half a result.
// Counts are pages of the machine unless a name says otherwise.

#ifndef HEAPS_CMA_AREA_H_
#define HEAPS_CMA_AREA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace dmaheap {

// Pages next to each other.
struct PageRun {
  // Counted from the beginning of the area (of the range, where an area has several).
  int64_t first = 0;
  int64_t pages = 0;
  // Kernels since 6.15 build an area from up to 8 ranges (mm/cma.h, CMA_MAX_RANGES).
  int range = 0;

  friend bool operator==(const PageRun& a, const PageRun& b) = default;
};

struct CmaFreeList {
  // Ascending, apart from each other; movable pages that sit in them count as free.
  std::vector<PageRun> runs;
  int64_t free_pages = 0;
  int64_t total_pages = 0;
};

// 0 where there is none.
int64_t LargestRun(absl::Span<const PageRun> runs);

// The list that cma_debug_show_areas (mm/cma.c) writes when an allocation fails,
//   24@264+96@416=> 120 free of 32768 total pages
// one COUNT@START for each run. What stands before the first of them on its line (log level,
// prefix, "number of available pages:", "range 0:") does not matter; several ranges are several
// lines. The runs must add up to the sum at the end.
absl::StatusOr<CmaFreeList> ParseCmaFreeList(absl::string_view text);

// The opposite, in the words of a kernel with one range. Runs of other ranges are left out.
std::string FormatCmaFreeList(const CmaFreeList& list);

// "cma: cma_alloc: reserved: alloc failed, req-size: 2187 pages, ret: -12". Kernels before 5.15
// leave the area's name out.
struct CmaAllocFailure {
  std::string area;
  int64_t request_pages = 0;
  // Positive: ENOMEM, EBUSY, EINTR ...
  int error_number = 0;
};
absl::StatusOr<CmaAllocFailure> ParseCmaAllocFailure(absl::string_view line);

// "alloc_contig_range: [2f100, 2f20a) PFNs busy" (mm/page_alloc.c): first is in it, end is not.
struct PfnRange {
  uint64_t first = 0;
  uint64_t end = 0;
};
absl::StatusOr<PfnRange> ParsePfnsBusy(absl::string_view line);

// The free list from debugfs cma/AREA: `bitmap` (32-bit words in decimal, lowest bit first, a set
// bit is in use), `count` and `order_per_bit` (a bit stands for 2^order pages).
absl::StatusOr<CmaFreeList> ParseCmaBitmap(absl::string_view bitmap, int64_t count,
                                           int order_per_bit);

// A file with one decimal number: the files of sysfs mm/cma/AREA and of debugfs cma/AREA.
absl::StatusOr<int64_t> ParseCmaCount(absl::string_view text);

// "CmaTotal: 65536 kB" of /proc/meminfo, all areas together, in bytes. Absent where the kernel has
// no CMA.
absl::optional<int64_t> ParseMeminfoCmaTotal(absl::string_view meminfo);

}  // namespace dmaheap

#endif  // HEAPS_CMA_AREA_H_

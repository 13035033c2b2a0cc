// Bytes and pages, without overflow. Pure.

#ifndef HEAPS_PAGE_MATH_H_
#define HEAPS_PAGE_MATH_H_

#include <cstdint>
#include <limits>

#include "absl/types/optional.h"

namespace dmaheap {

// size_bytes rounded up to whole pages. Absent where size_bytes is not positive or the result has
// no int64_t.
inline absl::optional<int64_t> RoundUpToPages(int64_t size_bytes, int64_t page_size_bytes) {
  if (size_bytes <= 0) return absl::nullopt;
  const int64_t pages = (size_bytes - 1) / page_size_bytes + 1;
  if (pages > std::numeric_limits<int64_t>::max() / page_size_bytes) return absl::nullopt;
  return pages * page_size_bytes;
}

// The smallest n with 2^n >= pages: get_order() of the kernel (asm-generic/getorder.h). pages >= 1.
inline int OrderOfPages(int64_t pages) {
  int order = 0;
  while (order < 62 && (int64_t{1} << order) < pages) ++order;
  return order;
}

}  // namespace dmaheap

#endif  // HEAPS_PAGE_MATH_H_

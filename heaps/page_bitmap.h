// One bit for each page, with the searches of the kernel's lib/bitmap.c that cma_alloc uses.
//
// A value; not thread-safe. Positions outside of [0, size) are the caller's fault.

#ifndef HEAPS_PAGE_BITMAP_H_
#define HEAPS_PAGE_BITMAP_H_

#include <cstdint>
#include <vector>

namespace dmaheap {

class PageBitmap {
 public:
  // All bits clear.
  explicit PageBitmap(int64_t size);

  int64_t size() const { return size_; }
  // Set bits.
  int64_t count() const { return count_; }

  bool Test(int64_t page) const;
  void Set(int64_t first, int64_t pages = 1);
  void Clear(int64_t first, int64_t pages = 1);

  // The first set (clear) bit in [from, end), end if there is none.
  int64_t NextSet(int64_t from, int64_t end) const;
  int64_t NextClear(int64_t from, int64_t end) const;

  // bitmap_find_next_zero_area_off: the first `pages` clear bits at or after start, of which the
  // first one, with align_offset added, is a multiple of align_pages (a power of two). -1 if none.
  int64_t FindClearArea(int64_t start, int64_t pages, int64_t align_pages,
                        int64_t align_offset) const;

 private:
  // NextSet on the words XOR flip.
  int64_t Next(int64_t from, int64_t end, uint64_t flip) const;
  void Change(int64_t first, int64_t pages, bool value);

  int64_t size_;
  int64_t count_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace dmaheap

#endif  // HEAPS_PAGE_BITMAP_H_

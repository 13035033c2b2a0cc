#include "heaps/page_bitmap.h"

#include <algorithm>
#include <bit>

namespace dmaheap {
namespace {

constexpr int64_t kWordBits = 64;

// Bits [first, first + bits) of a word.
uint64_t MaskOf(int64_t first, int64_t bits) {
  const uint64_t low = bits == kWordBits ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  return low << first;
}

}  // namespace

PageBitmap::PageBitmap(int64_t size)
    : size_(size), words_(static_cast<size_t>((size + kWordBits - 1) / kWordBits)) {}

bool PageBitmap::Test(int64_t page) const {
  return (words_[page / kWordBits] >> (page % kWordBits) & 1) != 0;
}

void PageBitmap::Set(int64_t first, int64_t pages) { Change(first, pages, true); }

void PageBitmap::Clear(int64_t first, int64_t pages) { Change(first, pages, false); }

void PageBitmap::Change(int64_t first, int64_t pages, bool value) {
  const int64_t end = first + pages;
  while (first < end) {
    const int64_t bit = first % kWordBits;
    const int64_t bits = std::min(kWordBits - bit, end - first);
    uint64_t& word = words_[first / kWordBits];
    count_ -= std::popcount(word);
    word = value ? word | MaskOf(bit, bits) : word & ~MaskOf(bit, bits);
    count_ += std::popcount(word);
    first += bits;
  }
}

int64_t PageBitmap::Next(int64_t from, int64_t end, uint64_t flip) const {
  while (from < end) {
    const int64_t bit = from % kWordBits;
    const uint64_t word = (words_[from / kWordBits] ^ flip) & MaskOf(bit, kWordBits - bit);
    if (word != 0) return std::min(end, from - bit + std::countr_zero(word));
    from += kWordBits - bit;
  }
  return end;
}

int64_t PageBitmap::NextSet(int64_t from, int64_t end) const { return Next(from, end, 0); }

int64_t PageBitmap::NextClear(int64_t from, int64_t end) const {
  return Next(from, end, ~uint64_t{0});
}

int64_t PageBitmap::FindClearArea(int64_t start, int64_t pages, int64_t align_pages,
                                  int64_t align_offset) const {
  const int64_t mask = align_pages - 1;
  while (true) {
    const int64_t clear = NextClear(start, size_);
    const int64_t first = ((clear + align_offset + mask) & ~mask) - align_offset;
    if (first > size_ - pages) return -1;
    const int64_t taken = NextSet(first, first + pages);
    if (taken == first + pages) return first;
    start = taken + 1;
  }
}

}  // namespace dmaheap

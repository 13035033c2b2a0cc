// The bitmap of an area in debugfs: the first bytes say how long the area is, the rest is the text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "heaps/cma_area.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/free_list_property.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

// As the kernel writes it: a bit stands for 2^order pages, 32 bits for a word.
std::string Written(const CmaFreeList& list, int order) {
  const int64_t pages_per_bit = int64_t{1} << order;
  const int64_t bits = (list.total_pages + pages_per_bit - 1) / pages_per_bit;
  std::vector<uint32_t> words(static_cast<size_t>((bits + 31) / 32), 0xffffffff);
  for (const PageRun& run : list.runs) {
    DEMAND(run.first % pages_per_bit == 0);
    for (int64_t page = run.first; page < run.first + run.pages; page += pages_per_bit) {
      const int64_t bit = page / pages_per_bit;
      words[static_cast<size_t>(bit / 32)] &= ~(uint32_t{1} << (bit % 32));
    }
  }
  return absl::StrCat(absl::StrJoin(words, " "), "\n");
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  fuzz::Input input(data, size);
  // Any value, and often one that a text of this length can fill.
  const uint8_t shift = input.Take<uint8_t>();
  const int64_t count = input.Take<int64_t>() >> (shift % 64);
  const int order = input.Take<int8_t>();
  const auto list = ParseCmaBitmap(input.TakeRest(), count, order);
  if (!list.ok()) return 0;
  DEMAND(list->total_pages == count);
  fuzz::DemandSound(*list);
  const auto again = ParseCmaBitmap(fuzz::Written(*list, order), count, order);
  DEMAND(again.ok() && again->runs == list->runs && again->free_pages == list->free_pages);
  return 0;
}

// What a broker may ask the prober for, which has capabilities: ranges of page frames. And what is
// read of a pagemap for them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  fuzz::Input input(data, size);
  const absl::string_view text = input.TakeText();
  const auto range = ParseFrameRange(text);
  if (!range.has_value()) return 0;
  DEMAND(text == absl::StrCat(range->first, " ", range->count));
  DEMAND(range->count > 0 && range->first <= kPagemapFrameMask);
  DEMAND(range->count - 1 <= kPagemapFrameMask - range->first);
  DEMAND(range->Holds(range->first) && range->Holds(range->first + range->count - 1));
  DEMAND(!range->Holds(range->first + range->count) && !range->Holds(range->first - 1));

  std::vector<uint64_t> entries;
  while (!input.empty()) entries.push_back(input.Take<uint64_t>());
  PagemapCount count;
  CountFrames(entries, *range, count);
  DEMAND(count.inside <= count.present && count.present <= entries.size());
  DEMAND(count.inside == 0 || count.numbers_shown);
  return 0;
}

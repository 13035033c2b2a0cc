// What holds of every free list of an area, wherever it was read from.

#ifndef TESTS_FUZZ_FREE_LIST_PROPERTY_H_
#define TESTS_FUZZ_FREE_LIST_PROPERTY_H_

#include "absl/status/statusor.h"
#include "heaps/cma_area.h"
#include "tests/fuzz/demand.h"

namespace dmaheap::fuzz {

inline void DemandSound(const CmaFreeList& list) {
  int64_t sum = 0;
  const PageRun* before = nullptr;
  for (const PageRun& run : list.runs) {
    DEMAND(run.pages > 0 && run.first >= 0 && run.range >= 0);
    DEMAND(run.first <= list.total_pages - run.pages);
    // Ascending, and apart.
    if (before != nullptr && before->range == run.range) {
      DEMAND(run.first > before->first + before->pages);
    }
    DEMAND(before == nullptr || before->range <= run.range);
    sum += run.pages;
    DEMAND(sum <= list.total_pages);
    before = &run;
  }
  DEMAND(sum == list.free_pages);
  DEMAND(LargestRun(list.runs) <= list.free_pages);
  // One range can be written, and is then the same.
  if (before != nullptr && before->range > 0) return;
  const absl::StatusOr<CmaFreeList> again = ParseCmaFreeList(FormatCmaFreeList(list));
  DEMAND(again.ok() && again->runs == list.runs);
  DEMAND(again->free_pages == list.free_pages && again->total_pages == list.total_pages);
}

}  // namespace dmaheap::fuzz

#endif  // TESTS_FUZZ_FREE_LIST_PROPERTY_H_

#include "tests/bench/report.h"

namespace dmaheap::bench {

bool IsOk(const Row& row) {
  if (!row.bound.has_value()) return true;
  if (!row.value.has_value()) return false;
  return row.bound->side == Bound::Side::kAtMost ? *row.value <= row.bound->limit
                                                 : *row.value >= row.bound->limit;
}

}  // namespace dmaheap::bench

// What the daemon itself knows of a request that failed, as evidence: what the heap told, the
// books, and what the prober found. Reads only.

#ifndef DAEMON_CORE_GATHER_EVIDENCE_H_
#define DAEMON_CORE_GATHER_EVIDENCE_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/core/allocation.h"
#include "daemon/core/buffer_table.h"
#include "daemon/core/holder_trends.h"
#include "daemon/diagnosis/evidence.h"
#include "daemon/diagnosis/fit.h"
#include "heaps/cma_area.h"
#include "heaps/registry.h"

namespace dmaheap {

// An area's free list, as it was read last.
struct AreaSight {
  absl::optional<CmaFreeList> free_list = absl::nullopt;
  absl::Time read_at = absl::InfinitePast();
  // FREE_LIST or KERNEL_LOG; unspecified: by the heap itself.
  v1::EvidenceSource::Kind source = v1::EvidenceSource::KIND_UNSPECIFIED;
  // The buffers that the books had in it then, in the order of their numbers; an Opening names them
  // by their place here.
  std::vector<uint64_t> buffers = {};
  // By the pages of a request: worked out once.
  std::map<int64_t, Fit> fits = {};
};

struct HeapHolder {
  uint32_t uid = 0;
  BufferTotals totals;
  absl::Time oldest;
  HolderChange change;
};

// Who holds buffers of the heap, the most bytes first.
std::vector<HeapHolder> HoldersOf(const BufferTable& table, const HolderTrends& trends,
                                  const std::string& heap, absl::Time now);

// The numbers in the table of the buffers that lie in the area.
std::vector<uint64_t> BuffersInArea(const BufferTable& table, const HeapRegistry& heaps,
                                    const std::string& area);

// sight: of the heap's area, to which what is worked out is added; nullptr: none.
Evidence GatherEvidence(const Allocation& allocation, const BufferTable& table,
                        const std::vector<HeapHolder>& holders, AreaSight* sight);

}  // namespace dmaheap

#endif  // DAEMON_CORE_GATHER_EVIDENCE_H_

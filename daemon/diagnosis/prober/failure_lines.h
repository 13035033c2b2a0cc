// Failed allocations as they come out of the kernel's log, each with its area's free list where
// there is one: pure.
//
// The list follows its failure and does not say of which it is (cma_debug_show_areas in mm/cma.c):
// one that two failures wait for is nobody's.

#ifndef DAEMON_DIAGNOSIS_PROBER_FAILURE_LINES_H_
#define DAEMON_DIAGNOSIS_PROBER_FAILURE_LINES_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/kmsg_text.h"
#include "heaps/cma_area.h"

namespace dmaheap {

class FailureLines {
 public:
  struct Failure {
    CmaAllocFailure line;
    int32_t thread = 0;
    absl::Duration stamp;
    // When it was read; for the owner: when it was written at the latest.
    absl::Time read_at;
    absl::Time latest = absl::InfiniteFuture();
    absl::optional<CmaFreeList> free_list = absl::nullopt;
  };

  // The last so many are kept, and the lists of the last few of them.
  static constexpr size_t kMost = 64;
  static constexpr size_t kMostLists = 8;
  // A list with more runs is left out.
  static constexpr size_t kMostRuns = 4096;

  void Take(const KmsgRecord& record, absl::Time read_at);
  // Records are missing here.
  void OnGap();

  // In the order of the log.
  std::deque<Failure>& failures() { return failures_; }

 private:
  void OnFailure(Failure failure);
  void OnList(CmaFreeList list);

  std::deque<Failure> failures_;
  // The last failure has had no list yet, and no other waits for one.
  bool awaits_list_ = false;
  FreeListParts parts_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_FAILURE_LINES_H_

// What is to be made of a page that refused a window: pure functions.

#ifndef DAEMON_DIAGNOSIS_PIN_H_
#define DAEMON_DIAGNOSIS_PIN_H_

#include <cstdint>

#include "absl/types/optional.h"
#include "daemon/diagnosis/evidence.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

// References that a transfer between a device and user memory takes for each of its uses of a page
// (GUP_PIN_COUNTING_BIAS, include/linux/mm.h; mm/gup.c since Linux 5.7).
inline constexpr int64_t kTransferReferences = 1024;

// References beyond the mappings and the one that the page cache has: what keeps the page where it
// is. Absent: not known.
absl::optional<int64_t> ExcessReferences(const RefusingFrame& frame);

// It was held when it was looked at. Absent: nobody could tell.
absl::optional<bool> IsHeld(const RefusingFrame& frame);

// Of a page of that verdict. Of the two things that take a reference for an instant
// (copy_present_ptes and zap_pte_range, mm/memory.c), the one leaves a page that two processes
// share, and the other one that nobody has. What one process has all the time may be either, unless
// that one has forked lately.
v1::Diagnosis::Pin::Cause CauseOf(const RefusingFrame& frame, v1::Diagnosis::Verdict verdict);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PIN_H_

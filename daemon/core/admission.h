// What is refused before anything is reserved: who may have memory of a heap, how much there can
// ever be, and how a request may be served.
//
// No state and no I/O: every answer follows from policy, heaps and request.

#ifndef DAEMON_CORE_ADMISSION_H_
#define DAEMON_CORE_ADMISSION_H_

#include "absl/status/status.h"
#include "daemon/config/effective_policy.h"
#include "daemon/core/allocation.h"
#include "daemon/core/request.h"
#include "daemon/core/reservation_record.h"
#include "heaps/heap.h"
#include "heaps/registry.h"

namespace dmaheap {

// The right that a request needs on its heap.
enum class MemoryRight { kAllocate, kHold, kReserve };
MemoryRight RightFor(const AllocateRequest& request);

// ACCESS_DENIED if the principal does not have the right there.
absl::Status CheckAccess(const EffectivePolicy& policy, const HeapRegistry& heaps,
                         const Principal& principal, const Heap& heap, MemoryRight right);

// Fills in heap, rounded_bytes, priority and retry_policy. HEAP_NOT_FOUND, ACCESS_DENIED,
// SIZE_EXCEEDS_HEAP, INVALID_SIZE, INVALID_RETRY_POLICY.
absl::Status CheckAdmission(const EffectivePolicy& policy, const HeapRegistry& heaps,
                            Allocation& allocation);

// Makes a request that draws from a reservation whole: what it leaves open is as booked.
// INVALID_RESERVATION where it asks for something else.
absl::Status FillDraw(const ReservationRecord& record, const HeapRegistry& heaps,
                      AllocateRequest& request);

}  // namespace dmaheap

#endif  // DAEMON_CORE_ADMISSION_H_

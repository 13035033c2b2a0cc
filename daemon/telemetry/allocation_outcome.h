// What came of allocations, as a closed set: a label's values must not grow with what clients write
// or with the reasons that errors get.

#ifndef DAEMON_TELEMETRY_ALLOCATION_OUTCOME_H_
#define DAEMON_TELEMETRY_ALLOCATION_OUTCOME_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace dmaheap {

// Outcomes are numbers from 0, which is success, to kAllocationOutcomes - 1.
inline constexpr size_t kAllocationOutcomes = 20;
inline constexpr size_t kAllocationOk = 0;

// All reasons INVALID_... are one; those that no allocation of a heap ends with are "other".
size_t AllocationOutcomeOf(const absl::Status& status);

// "ok", "invalid_request", "other"; else the reason's name (errors.proto) in small letters.
std::string AllocationOutcomeName(size_t outcome);

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_ALLOCATION_OUTCOME_H_

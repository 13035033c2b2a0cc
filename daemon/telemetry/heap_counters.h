// What happened with one heap since the broker began. All of it only grows: metrics are made of it.
//
// Whoever sees an event adds to it where it happens. Inside tasks of the executor only.

#ifndef DAEMON_TELEMETRY_HEAP_COUNTERS_H_
#define DAEMON_TELEMETRY_HEAP_COUNTERS_H_

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "daemon/telemetry/allocation_outcome.h"
#include "daemon/telemetry/duration_histogram.h"

namespace dmaheap {

// Attempts of the heap that came back.
struct AttemptCounts {
  int64_t ok = 0;
  // ENOMEM, and any other errno.
  int64_t no_memory = 0;
  int64_t error = 0;
  // The request had ended meanwhile, whatever they brought.
  int64_t late = 0;
};

// Attempts behind a barrier that succeeded and failed, barriers that were refused, and how long
// cgroups stood still.
struct BarrierCounts {
  int64_t cured = 0;
  int64_t failed = 0;
  int64_t refused = 0;
  absl::Duration frozen;
};

// Attempts right after a sync that succeeded and failed, syncs that did not end within their box,
// and those that were refused or ended with an error.
struct SyncCounts {
  int64_t helped = 0;
  int64_t failed = 0;
  int64_t over_box = 0;
  int64_t refused = 0;
};

// What came of asking clients for memory of the heap.
struct ClientAskCounts {
  // Questions, and clients that got one.
  int64_t asked = 0;
  int64_t clients = 0;
  // Requests that had clients asked, and got their memory of that heap, or did not.
  int64_t helped = 0;
  int64_t not_helped = 0;
};

struct HeapCounters {
  // Requests that ended while they were for this heap.
  std::array<int64_t, kAllocationOutcomes> allocations = {};
  // From the request to the answer, of those that got their buffers.
  DurationHistogram allocation_duration;
  AttemptCounts attempts;
  // Each time that a request stood in line, up to its attempt.
  DurationHistogram queue_wait;
  // Waits between two attempts that are over.
  absl::Duration backoff;
  BarrierCounts barriers;
  SyncCounts syncs;
  ClientAskCounts client_asks;
};

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_HEAP_COUNTERS_H_

// The daemon's metrics: their names, labels and meaning. Pure functions of what was counted.
//
// Names and labels are an interface: dashboards and alerts are written against them. A label is
// bounded by this file or by the configuration, never by who asks: no pid, no uid, no buffer.

#ifndef DAEMON_TELEMETRY_METRIC_FAMILIES_H_
#define DAEMON_TELEMETRY_METRIC_FAMILIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "daemon/telemetry/diagnosis_counts.h"
#include "daemon/telemetry/duration_histogram.h"
#include "daemon/telemetry/heap_counters.h"
#include "dmaheap/v1/metrics.pb.h"

namespace dmaheap {

struct HeapSnapshot {
  // The heap's own name.
  std::string name;
  HeapCounters counters;
  // Of the heap's area.
  DurationHistogram pin_lifetimes;
  int64_t queue_depth = 0;
  int64_t live_buffers = 0;
  int64_t live_bytes = 0;
  // Absent where the heap has none, or the kernel does not tell.
  absl::optional<int64_t> size_bytes;
  absl::optional<int64_t> free_bytes;
};

// All that the metrics say, at one moment.
struct MetricsSnapshot {
  std::string version;
  std::vector<HeapSnapshot> heaps;
  int64_t sessions = 0;
  int64_t quota_rejections = 0;
  int64_t fd_push_failures = 0;
  int64_t reserve_hits = 0;
  int64_t reserve_misses = 0;
  DiagnosisCounts diagnoses;
};

v1::Metrics ToMetrics(const MetricsSnapshot& snapshot);

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_METRIC_FAMILIES_H_

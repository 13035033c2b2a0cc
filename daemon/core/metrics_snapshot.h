// What the allocator counted and holds, at this moment, for metrics. Inside tasks of the executor
// only.

#ifndef DAEMON_CORE_METRICS_SNAPSHOT_H_
#define DAEMON_CORE_METRICS_SNAPSHOT_H_

#include "daemon/core/allocator.h"
#include "daemon/telemetry/metric_families.h"

namespace dmaheap {

// Of all heaps that there are, by name: also one that nobody asked for has its zeros. Virtual heaps
// are counted with the heap behind them. Walks over heaps, never over buffers or requests.
MetricsSnapshot TakeMetricsSnapshot(const Allocator& allocator, int64_t sessions);

}  // namespace dmaheap

#endif  // DAEMON_CORE_METRICS_SNAPSHOT_H_

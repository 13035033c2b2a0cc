#include "daemon/core/metrics_snapshot.h"

#include <string>

#include "proto/wire.h"

namespace dmaheap {
namespace {

HeapSnapshot SnapshotOf(const Allocator& allocator, const Heap& heap) {
  const HeapDescription& description = heap.description();
  const BufferTotals live = allocator.table().OfHeap(description.name);
  HeapSnapshot snapshot;
  snapshot.name = description.name;
  snapshot.counters = allocator.counters(heap);
  snapshot.pin_lifetimes = allocator.pin_lifetimes(heap);
  snapshot.queue_depth = static_cast<int64_t>(allocator.QueueDepth(heap));
  snapshot.live_buffers = live.buffers;
  snapshot.live_bytes = live.bytes;
  snapshot.size_bytes = description.size_bytes;
  snapshot.free_bytes = heap.Usage().free_bytes;
  return snapshot;
}

}  // namespace

MetricsSnapshot TakeMetricsSnapshot(const Allocator& allocator, int64_t sessions) {
  MetricsSnapshot snapshot;
  snapshot.version = std::string(kVersion);
  for (const Heap* heap : allocator.heaps().heaps()) {
    snapshot.heaps.push_back(SnapshotOf(allocator, *heap));
  }
  snapshot.sessions = sessions;
  snapshot.quota_rejections = allocator.quota_rejections();
  snapshot.fd_push_failures = allocator.fd_push_failures();
  snapshot.reserve_hits = allocator.draws().hits;
  snapshot.reserve_misses = allocator.draws().misses;
  snapshot.diagnoses = allocator.diagnoser().counts();
  return snapshot;
}

}  // namespace dmaheap

#include "daemon/config/virtual_heap.h"

#include <algorithm>

#include "daemon/config/retry_policy.h"

namespace dmaheap {

namespace {

VirtualHeapConfig ShippedVirtualHeap() { return {kNofailHeap, "", kNofailPolicy}; }

}  // namespace

bool IsShipped(const VirtualHeapConfig& heap) { return heap == ShippedVirtualHeap(); }

bool SameHeaps(const std::vector<VirtualHeapConfig>& a, const std::vector<VirtualHeapConfig>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const VirtualHeapConfig& one, const VirtualHeapConfig& other) {
                      return one.name == other.name && one.heap == other.heap;
                    });
}

std::vector<VirtualHeapConfig> VirtualHeapsOf(const config::v1::Policy& policy) {
  std::vector<VirtualHeapConfig> heaps;
  const bool replaced = std::any_of(policy.virtual_heaps().begin(), policy.virtual_heaps().end(),
                                    [](const auto& heap) { return heap.name() == kNofailHeap; });
  if (!replaced) heaps.push_back(ShippedVirtualHeap());
  for (const config::v1::VirtualHeap& heap : policy.virtual_heaps()) {
    heaps.push_back({heap.name(), heap.heap(), heap.retry_policy()});
  }
  return heaps;
}

}  // namespace dmaheap

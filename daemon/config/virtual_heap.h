// Names that bring a retry policy with them.

#ifndef DAEMON_CONFIG_VIRTUAL_HEAP_H_
#define DAEMON_CONFIG_VIRTUAL_HEAP_H_

#include <string>
#include <vector>

#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

struct VirtualHeapConfig {
  std::string name;
  // By any of its names; empty for the contiguous default area.
  std::string heap;
  std::string retry_policy;

  friend bool operator==(const VirtualHeapConfig& a, const VirtualHeapConfig& b) = default;
};

// The heap that was proposed to the kernel in 2020 ("mm: cma: indefinitely retry allocations in
// cma_alloc"): the default area, and a request that does not fail for what may pass.
inline constexpr char kNofailHeap[] = "linux,cma-nofail";

// Whether a daemon has it without a policy file.
bool IsShipped(const VirtualHeapConfig& heap);

// Whether they are the same names for the same heaps, in the same order, by whatever retry
// policies.
bool SameHeaps(const std::vector<VirtualHeapConfig>& a, const std::vector<VirtualHeapConfig>& b);

// All that a daemon with this policy has: the shipped one, unless the file has another of its name,
// then the file's in their order.
std::vector<VirtualHeapConfig> VirtualHeapsOf(const config::v1::Policy& policy);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_VIRTUAL_HEAP_H_

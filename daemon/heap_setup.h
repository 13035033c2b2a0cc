// Puts the heaps together that a broker serves: the kernel's, whose nodes the keeper opened, those
// of the display cards that the command line names, and the simulated ones that it and the policy
// ask for.

#ifndef DAEMON_HEAP_SETUP_H_
#define DAEMON_HEAP_SETUP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "daemon/config/effective_policy.h"
#include "daemon/options.h"
#include "heaps/kernel.h"
#include "heaps/node_scan.h"
#include "heaps/registry.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct HeapSetup {
  // Outlives the registry.
  Kernel* kernel = nullptr;
  // Opened by the keeper.
  std::vector<HeapNode> nodes{};
  // Whether the kernel has heaps at all, whatever could be opened.
  HeapRegistry::KernelHeaps kernel_heaps = HeapRegistry::KernelHeaps::kNotLooked;
  // Opened by the keeper for --drm-heap, under the names of their heaps.
  std::vector<HeapNode> drm_cards{};
  // Invalid: simulated buffers are memfds.
  UniqueFd udmabuf{};
  // Of the command line.
  absl::optional<SimulateOption> simulate{};
};

// A node that can not be served (a name that no request could write) is left out, with a line in
// the log; so is a virtual heap of the default area where there is none, and the shipped one where
// a heap of the kernel has its name. Errors: a card without dumb buffers to export, two heaps of
// one name, an alias or a virtual heap for a heap that is not there, a size that no simulated heap
// can have.
absl::StatusOr<std::unique_ptr<HeapRegistry>> SetUpHeaps(HeapSetup setup,
                                                         const EffectivePolicy& policy);

// kUnsupported where folder, usually /dev/dma_heap, does not exist: a kernel without
// CONFIG_DMABUF_HEAPS makes none.
HeapRegistry::KernelHeaps LookForKernelHeaps(const std::string& folder);

}  // namespace dmaheap

#endif  // DAEMON_HEAP_SETUP_H_

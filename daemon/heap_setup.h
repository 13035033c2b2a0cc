// Puts the heaps together that a broker serves: the kernel's, whose nodes the keeper opened, and
// the simulated ones that the command line and the policy ask for.

#ifndef DAEMON_HEAP_SETUP_H_
#define DAEMON_HEAP_SETUP_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "daemon/config/effective_policy.h"
#include "daemon/options.h"
#include "heaps/kernel.h"
#include "heaps/registry.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// kernel outlives the registry. nodes: name and fd of each, as in /dev/dma_heap. Errors: two heaps
// of one name, an alias for a heap that is not there, a size that no simulated heap can have.
absl::StatusOr<std::unique_ptr<HeapRegistry>> SetUpHeaps(
    Kernel& kernel, std::vector<std::pair<std::string, UniqueFd>> nodes,
    const absl::optional<SimulateOption>& simulate, const EffectivePolicy& policy);

}  // namespace dmaheap

#endif  // DAEMON_HEAP_SETUP_H_

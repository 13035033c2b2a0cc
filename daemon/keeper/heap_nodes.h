// Opens the kernel's heap nodes, each once, for the broker, which may not.

#ifndef DAEMON_KEEPER_HEAP_NODES_H_
#define DAEMON_KEEPER_HEAP_NODES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct HeapNode {
  // The name of the node, "reserved" or "system" for instance.
  std::string name;
  UniqueFd fd;
};

struct HeapNodes {
  // In the order of their names.
  std::vector<HeapNode> opened;
  // Why a node, or the whole folder, could not be opened; each text names it.
  std::vector<absl::Status> failures;
};

// Opens every character device in folder read-write. Other things in it, links above all, are
// passed over. A folder that is missing is a failure with errno ENOENT: the kernel has no heaps.
HeapNodes OpenHeapNodes(const std::string& folder);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_HEAP_NODES_H_

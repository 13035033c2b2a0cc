// Opens every heap node of a folder like /dev/dma_heap, each once.
//
// Run by whoever is privileged to open them (the keeper); everybody else gets the fds. It reads
// nothing but names. The fds are owned by the result and O_CLOEXEC.

#ifndef HEAPS_NODE_SCAN_H_
#define HEAPS_NODE_SCAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct HeapNode {
  std::string name;
  UniqueFd fd;
};

struct NodeScan {
  // In the order of their names.
  std::vector<HeapNode> nodes;
  // Character devices that could not be opened, and why: EACCES, ENXIO (no driver), EMFILE ...
  struct Failure {
    std::string name;
    int error_number = 0;
  };
  std::vector<Failure> failures;
};

inline constexpr char kDmaHeapFolder[] = "/dev/dma_heap";

// Fails with the errno of opening or reading the folder; ENOENT: the kernel has no dma-heaps. What
// is no character device (folders, links, files, pipes) is no heap and is passed over.
absl::StatusOr<NodeScan> ScanHeapNodes(const std::string& folder);

}  // namespace dmaheap

#endif  // HEAPS_NODE_SCAN_H_

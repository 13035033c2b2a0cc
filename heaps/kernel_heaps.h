// From the nodes that were opened to the heaps of the registry: what the names and sysfs say of
// each.
//
//   NodeScan scan = ...;                          // by the keeper
//   for (auto& heap : MakeKernelHeaps(std::move(scan.nodes),
//                                     OpenCmaAreas(kCmaSysfs, kMeminfo, page_size), &kernel)) {
//     registry.Add(std::move(heap));
//   }

#ifndef HEAPS_KERNEL_HEAPS_H_
#define HEAPS_KERNEL_HEAPS_H_

#include <memory>
#include <vector>

#include "heaps/cma_sysfs.h"
#include "heaps/heap.h"
#include "heaps/kernel.h"
#include "heaps/node_scan.h"

namespace dmaheap {

// One heap for each node, in their order. Nodes of one area share its size and its free pages.
// kernel is not owned and outlives the heaps.
std::vector<std::unique_ptr<Heap>> MakeKernelHeaps(std::vector<HeapNode> nodes,
                                                   const std::vector<CmaSysfsArea>& areas,
                                                   Kernel* kernel);

}  // namespace dmaheap

#endif  // HEAPS_KERNEL_HEAPS_H_

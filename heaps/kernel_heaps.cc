#include "heaps/kernel_heaps.h"

#include <string>
#include <utility>

#include "heaps/dma_heap.h"
#include "heaps/kernel_names.h"

namespace dmaheap {

std::vector<std::unique_ptr<Heap>> MakeKernelHeaps(std::vector<HeapNode> nodes,
                                                   const std::vector<CmaSysfsArea>& areas,
                                                   Kernel* kernel) {
  std::vector<std::string> node_names;
  for (const HeapNode& node : nodes) node_names.push_back(node.name);
  std::vector<std::string> area_names;
  for (const CmaSysfsArea& area : areas) area_names.push_back(area.name);

  std::vector<std::unique_ptr<Heap>> heaps;
  for (HeapNode& node : nodes) {
    KernelHeapTraits traits = TraitsOfNode(node.name, node_names, area_names);
    DmaHeapOptions options;
    for (const CmaSysfsArea& area : areas) {
      if (traits.kind != v1::CMA || area.name != traits.area) continue;
      options.description.size_bytes = area.total_bytes;
      // Without a number left the heap works all the same and does not tell its free pages.
      if (area.available_pages.valid()) options.available_pages = area.available_pages.Dup();
    }
    options.description.name = node.name;
    options.description.kind = traits.kind;
    options.description.contiguity = traits.contiguity;
    options.description.area = std::move(traits.area);
    options.description.aliases = std::move(traits.aliases);
    options.node = std::move(node.fd);
    options.kernel = kernel;
    heaps.push_back(std::make_unique<DmaHeap>(std::move(options)));
  }
  return heaps;
}

}  // namespace dmaheap

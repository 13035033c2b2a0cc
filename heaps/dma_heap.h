// A heap of the kernel: one node of /dev/dma_heap.
//
// Made from a node that somebody privileged opened; opens nothing itself. Thread-safe: the kernel
// takes the turns. Allocate fails as heap.h says; a buffer that can not be named, measured or
// identified is closed again, and the errno is that of the call that failed.

#ifndef HEAPS_DMA_HEAP_H_
#define HEAPS_DMA_HEAP_H_

#include "heaps/heap.h"
#include "heaps/kernel.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct DmaHeapOptions {
  // name: that of the node. page_size_bytes is the kernel's, whatever stands here.
  HeapDescription description;
  // The open node.
  UniqueFd node;
  // sysfs mm/cma/AREA/available_pages, read again for each Usage(). Empty where there is none.
  UniqueFd available_pages;
  // Not owned; outlives the heap.
  Kernel* kernel = nullptr;
};

class DmaHeap final : public Heap {
 public:
  explicit DmaHeap(DmaHeapOptions options);

  const HeapDescription& description() const override { return description_; }
  absl::StatusOr<Buffer> Allocate(const AllocationSpec& spec) override;
  HeapUsage Usage() const override;

 private:
  const HeapDescription description_;
  const UniqueFd node_;
  const UniqueFd available_pages_;
  Kernel* const kernel_;
};

}  // namespace dmaheap

#endif  // HEAPS_DMA_HEAP_H_

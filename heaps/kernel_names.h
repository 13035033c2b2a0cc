// What the name of a node in /dev/dma_heap says about the heap behind it.
//
// One heap has different names under different kernels: the default CMA area is `reserved` (from
// the command line, kernel/dma/contiguous.c), `linux,cma` or `default-pool` (the name of its
// device-tree node), and `default_cma_region` since 6.17 (drivers/dma-buf/heaps/cma_heap.c), which
// may offer the older name beside it (CONFIG_DMABUF_HEAPS_CMA_LEGACY). Pure functions.

#ifndef HEAPS_KERNEL_NAMES_H_
#define HEAPS_KERNEL_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "dmaheap/v1/resources.pb.h"

namespace dmaheap {

// The names of the default CMA area, the oldest first.
absl::Span<const absl::string_view> DefaultCmaNames();

// Other names that a client may mean when it asks for this one; empty for a name outside the table.
std::vector<std::string> OtherNamesOf(absl::string_view name);

struct KernelHeapTraits {
  // SYSTEM: "system" and its variants ("system-uncached", "system_cc_shared").
  // CMA:    a name of the table above, or that of an area in sysfs mm/cma: cma_heap names its nodes
  //         after their areas.
  // VENDOR: everything else.
  v1::HeapKind kind = v1::HEAP_KIND_UNSPECIFIED;
  // PHYSICAL for CMA. SCATTERED for the others: a vendor's heap may be contiguous, but nothing that
  // can be read says so, and no HAL may be promised what is not known.
  v1::Contiguity contiguity = v1::CONTIGUITY_UNSPECIFIED;
  // The area that the node allocates from, as sysfs mm/cma calls it where that is known: nodes of
  // one area have the same here. A vendor's heap is an area of its own, for it may be one. Empty:
  // SYSTEM.
  std::string area;
  // Offered only where no node has that own name; where several nodes could, by the oldest alone.
  std::vector<std::string> aliases;
};

// node is one of nodes. cma_areas: the folders of sysfs mm/cma, empty where the kernel has none.
KernelHeapTraits TraitsOfNode(absl::string_view node, absl::Span<const std::string> nodes,
                              absl::Span<const std::string> cma_areas);

}  // namespace dmaheap

#endif  // HEAPS_KERNEL_NAMES_H_

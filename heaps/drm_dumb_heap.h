// A heap of DRM dumb buffers, for boards whose contiguous memory is only behind a display driver.
//
// A buffer is created as a picture of the right size, exported as a dma-buf, and its handle
// destroyed at once: only the fd holds the memory then.
//
// Contiguity is promised (PHYSICAL) only where it is known: for the drivers whose dumb buffers come
// from dma_alloc_wc through drm_gem_dma_helper.c ("physically contiguous" for devices without an
// IOMMU, "may be scattered" behind one), on a machine without an IOMMU. Else SCATTERED.
//
// Zeroed: what dma_alloc_* returns is zeroed by the kernel (since 5.0, commit 518a2f1925c3), so for
// the drivers above nothing is to be done. No contract of DRM says so for the others: their buffers
// are mapped and zeroed here.
//
// Thread-safe. Allocate fails as heap.h says, and leaves neither fd nor handle behind (a handle
// that can not be destroyed lives until the card is closed; the error says so. One whose maker is
// killed in between lives as long as another process has the same open card). A driver takes at
// most 4 GiB in one buffer (drm_mode_create_dumb counts in 32 bits): more is ENOMEM.

#ifndef HEAPS_DRM_DUMB_HEAP_H_
#define HEAPS_DRM_DUMB_HEAP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "heaps/drm_device.h"
#include "heaps/heap.h"
#include "heaps/kernel.h"

namespace dmaheap {

// Whether the driver's dumb buffers come zeroed from dma_alloc_wc (the list in the .cc).
bool DrmDriverUsesDmaHelper(absl::string_view driver);

// False only where the folder (usually kIommuClass) is not there or has no entry: then no device
// translates addresses.
inline constexpr char kIommuClass[] = "/sys/class/iommu";
bool MachineMayHaveIommu(const std::string& iommu_class);

// A picture of at least size_bytes (1 or more); absent above what 32 bits count.
absl::optional<DumbGeometry> GeometryOf(int64_t size_bytes);

struct DrmDumbHeapOptions {
  std::string name;
  std::vector<std::string> aliases;
  // The CMA area that the driver allocates from, where it is known; else the heap is an area of its
  // own.
  std::string area;
  bool machine_may_have_iommu = true;
  std::unique_ptr<DrmDevice> device;
  // Not owned; outlives the heap.
  Kernel* kernel = nullptr;
};

class DrmDumbHeap final : public Heap {
 public:
  // Asks the device who it is. EOPNOTSUPP: it has no dumb buffers or does not export them.
  static absl::StatusOr<std::unique_ptr<DrmDumbHeap>> Create(DrmDumbHeapOptions options);

  const HeapDescription& description() const override { return description_; }
  absl::StatusOr<Buffer> Allocate(const AllocationSpec& spec) override;
  // Drivers do not tell.
  HeapUsage Usage() const override { return {}; }

 private:
  DrmDumbHeap(DrmDumbHeapOptions options, absl::string_view driver);

  // A dma-buf, and no handle.
  absl::StatusOr<UniqueFd> AllocateDmaBuf(const DumbGeometry& geometry);

  const HeapDescription description_;
  const bool comes_zeroed_;
  const std::unique_ptr<DrmDevice> device_;
  Kernel* const kernel_;
};

}  // namespace dmaheap

#endif  // HEAPS_DRM_DUMB_HEAP_H_

// What the DRM heap asks of a graphics card: the seam between drm_dumb_heap and the driver.
//
// All methods are thread-safe. Failures carry the errno (GetErrno of proto/errno_status.h). Handles
// are those of one open card; a handle that is not destroyed lives until the card's fd is closed.

#ifndef HEAPS_DRM_DEVICE_H_
#define HEAPS_DRM_DEVICE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// In pixels and bits for each.
struct DumbGeometry {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t bits_per_pixel = 0;
};

class DrmDevice {
 public:
  virtual ~DrmDevice() = default;

  // As the driver calls itself, for example "imx-drm" (DRM_IOCTL_VERSION).
  virtual absl::StatusOr<std::string> DriverName() = 0;

  // Whether it has dumb buffers and exports them (DRM_CAP_DUMB_BUFFER, DRM_PRIME_CAP_EXPORT).
  virtual absl::StatusOr<bool> CanExportDumbBuffers() = 0;

  // A new buffer's handle (DRM_IOCTL_MODE_CREATE_DUMB). ENOMEM: no memory; EINVAL: the geometry.
  virtual absl::StatusOr<uint32_t> CreateDumb(const DumbGeometry& geometry) = 0;

  // The buffer as a read-write dma-buf, O_CLOEXEC (DRM_IOCTL_PRIME_HANDLE_TO_FD). The dma-buf holds
  // the memory without the handle.
  virtual absl::StatusOr<UniqueFd> Export(uint32_t handle) = 0;

  // Ends a handle (DRM_IOCTL_MODE_DESTROY_DUMB).
  virtual absl::Status DestroyDumb(uint32_t handle) = 0;

  // Writes zeroes over a dma-buf through a mapping, between DMA_BUF_SYNC_START and _END.
  virtual absl::Status Zero(int dma_buf, int64_t size_bytes) = 0;
};

}  // namespace dmaheap

#endif  // HEAPS_DRM_DEVICE_H_

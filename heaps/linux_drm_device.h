// A real graphics card, through libdrm: the DrmDevice seam made of system calls.
//
// Thread-safe. Interrupted calls are repeated, as DRM demands (drmIoctl).

#ifndef HEAPS_LINUX_DRM_DEVICE_H_
#define HEAPS_LINUX_DRM_DEVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "heaps/drm_device.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// Opens a card, for example /dev/dri/card0 or a link to it in /dev/dri/by-path, by whoever may. Who
// opens a card that has no master becomes its master and would lock the compositor out, so this
// gives the mastery back at once. Errors carry the errno: ENOENT, EACCES, ENODEV: a character
// device that is no DRM card.
absl::StatusOr<UniqueFd> OpenDrmCard(const std::string& path);

class LinuxDrmDevice final : public DrmDevice {
 public:
  // An open card.
  explicit LinuxDrmDevice(UniqueFd card) : card_(std::move(card)) {}

  absl::StatusOr<std::string> DriverName() override;
  absl::StatusOr<bool> CanExportDumbBuffers() override;
  absl::StatusOr<uint32_t> CreateDumb(const DumbGeometry& geometry) override;
  absl::StatusOr<UniqueFd> Export(uint32_t handle) override;
  absl::Status DestroyDumb(uint32_t handle) override;
  absl::Status Zero(int dma_buf, int64_t size_bytes) override;

 private:
  const UniqueFd card_;
};

}  // namespace dmaheap

#endif  // HEAPS_LINUX_DRM_DEVICE_H_

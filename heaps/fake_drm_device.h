// A graphics card for tests. Its buffers are memfds, filled with rubbish like memory that somebody
// else had before; a handle keeps its buffer open until it is destroyed, as in the kernel.
//
// Not thread-safe.

#ifndef HEAPS_FAKE_DRM_DEVICE_H_
#define HEAPS_FAKE_DRM_DEVICE_H_

#include <map>
#include <string>

#include "heaps/drm_device.h"

namespace dmaheap {

class FakeDrmDevice final : public DrmDevice {
 public:
  enum class Call { kDriverName, kCanExport, kCreate, kExport, kDestroy, kZero };

  explicit FakeDrmDevice(std::string driver) : driver_(std::move(driver)) {}

  void set_can_export(bool can_export) { can_export_ = can_export; }
  // Every call of this kind fails so; 0 ends it.
  void Fail(Call call, int error_number) { failures_[call] = error_number; }

  // Handles that are not destroyed.
  size_t open_handles() const { return handles_.size(); }
  const DumbGeometry& last_geometry() const { return last_geometry_; }

  absl::StatusOr<std::string> DriverName() override;
  absl::StatusOr<bool> CanExportDumbBuffers() override;
  absl::StatusOr<uint32_t> CreateDumb(const DumbGeometry& geometry) override;
  absl::StatusOr<UniqueFd> Export(uint32_t handle) override;
  absl::Status DestroyDumb(uint32_t handle) override;
  absl::Status Zero(int dma_buf, int64_t size_bytes) override;

 private:
  absl::Status Begin(Call call);

  const std::string driver_;
  bool can_export_ = true;
  std::map<Call, int> failures_;
  std::map<uint32_t, UniqueFd> handles_;
  uint32_t next_handle_ = 1;
  DumbGeometry last_geometry_;
};

}  // namespace dmaheap

#endif  // HEAPS_FAKE_DRM_DEVICE_H_

#include "heaps/fake_drm_device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proto/errno_status.h"

namespace dmaheap {
namespace {

absl::Status Fill(int fd, int64_t size_bytes, char byte) {
  const std::string bytes(static_cast<size_t>(size_bytes), byte);
  if (pwrite(fd, bytes.data(), bytes.size(), 0) != size_bytes) {
    return ErrnoStatus(errno, "pwrite into a stand-in for a dumb buffer");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FakeDrmDevice::Begin(Call call) {
  const int error_number = failures_[call];
  return error_number == 0 ? absl::OkStatus() : ErrnoStatus(error_number, "scripted failure");
}

absl::StatusOr<std::string> FakeDrmDevice::DriverName() {
  if (absl::Status status = Begin(Call::kDriverName); !status.ok()) return status;
  return driver_;
}

absl::StatusOr<bool> FakeDrmDevice::CanExportDumbBuffers() {
  if (absl::Status status = Begin(Call::kCanExport); !status.ok()) return status;
  return can_export_;
}

absl::StatusOr<uint32_t> FakeDrmDevice::CreateDumb(const DumbGeometry& geometry) {
  if (absl::Status status = Begin(Call::kCreate); !status.ok()) return status;
  last_geometry_ = geometry;
  const int64_t size = int64_t{geometry.width} * geometry.height * geometry.bits_per_pixel / 8;
  UniqueFd memory(memfd_create("fake dumb buffer", MFD_CLOEXEC));
  if (!memory.valid()) return ErrnoStatus(errno, "memfd_create");
  if (absl::Status status = Fill(memory.get(), size, 'x'); !status.ok()) return status;
  handles_[next_handle_] = std::move(memory);
  return next_handle_++;
}

absl::StatusOr<UniqueFd> FakeDrmDevice::Export(uint32_t handle) {
  if (absl::Status status = Begin(Call::kExport); !status.ok()) return status;
  const auto it = handles_.find(handle);
  if (it == handles_.end()) return ErrnoStatus(ENOENT, "no such handle");
  UniqueFd fd = it->second.Dup();
  if (!fd.valid()) return ErrnoStatus(errno, "dup");
  return fd;
}

absl::Status FakeDrmDevice::DestroyDumb(uint32_t handle) {
  if (absl::Status status = Begin(Call::kDestroy); !status.ok()) return status;
  return handles_.erase(handle) == 1 ? absl::OkStatus() : ErrnoStatus(EINVAL, "no such handle");
}

absl::Status FakeDrmDevice::Zero(int dma_buf, int64_t size_bytes) {
  if (absl::Status status = Begin(Call::kZero); !status.ok()) return status;
  return Fill(dma_buf, size_bytes, '\0');
}

}  // namespace dmaheap

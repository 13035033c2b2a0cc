#include "heaps/linux_drm_device.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// libdrm's functions return 0 or the negative errno, or -1 with errno set.
absl::Status DrmStatus(int result, const std::string& what) {
  if (result == 0) return absl::OkStatus();
  return ErrnoStatus(result == -1 ? errno : -result, what);
}

using Version = std::unique_ptr<drmVersion, void (*)(drmVersionPtr)>;

absl::StatusOr<std::string> DriverNameOf(int card) {
  errno = 0;
  const Version version(drmGetVersion(card), drmFreeVersion);
  // It fails without an errno where malloc does.
  if (version == nullptr) return ErrnoStatus(errno != 0 ? errno : ENOMEM, "DRM_IOCTL_VERSION");
  return std::string(version->name, static_cast<size_t>(version->name_len));
}

absl::Status SyncDmaBuf(int dma_buf, uint64_t flags) {
  dma_buf_sync sync = {};
  sync.flags = flags | DMA_BUF_SYNC_RW;
  // dma-buf.rst: to be repeated on EINTR and EAGAIN, which is what drmIoctl does.
  return DrmStatus(drmIoctl(dma_buf, DMA_BUF_IOCTL_SYNC, &sync), "DMA_BUF_IOCTL_SYNC");
}

}  // namespace

absl::StatusOr<UniqueFd> OpenDrmCard(const std::string& path) {
  UniqueFd card(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!card.valid()) return ErrnoStatus(errno, absl::StrCat("open of ", path));
  if (!DriverNameOf(card.get()).ok()) {
    return ErrnoStatus(ENODEV, absl::StrCat(path, " is no DRM card"));
  }
  // EINVAL, EACCES: it was not ours.
  drmDropMaster(card.get());
  return card;
}

absl::StatusOr<std::string> LinuxDrmDevice::DriverName() { return DriverNameOf(card_.get()); }

absl::StatusOr<bool> LinuxDrmDevice::CanExportDumbBuffers() {
  uint64_t dumb = 0;
  uint64_t prime = 0;
  absl::Status status =
      DrmStatus(drmGetCap(card_.get(), DRM_CAP_DUMB_BUFFER, &dumb), "DRM_CAP_DUMB_BUFFER");
  if (!status.ok()) return status;
  status = DrmStatus(drmGetCap(card_.get(), DRM_CAP_PRIME, &prime), "DRM_CAP_PRIME");
  if (!status.ok()) return status;
  return dumb != 0 && (prime & DRM_PRIME_CAP_EXPORT) != 0;
}

absl::StatusOr<uint32_t> LinuxDrmDevice::CreateDumb(const DumbGeometry& geometry) {
  constexpr uint32_t kNoFlags = 0;
  uint32_t handle = 0;
  // What came out is measured on the dma-buf, which is what the client will see.
  uint32_t ignored_pitch = 0;
  uint64_t ignored_size = 0;
  const absl::Status status = DrmStatus(
      drmModeCreateDumbBuffer(card_.get(), geometry.width, geometry.height, geometry.bits_per_pixel,
                              kNoFlags, &handle, &ignored_pitch, &ignored_size),
      absl::StrCat("DRM_IOCTL_MODE_CREATE_DUMB of ", geometry.width, "x", geometry.height, "x",
                   geometry.bits_per_pixel));
  if (!status.ok()) return status;
  return handle;
}

absl::StatusOr<UniqueFd> LinuxDrmDevice::Export(uint32_t handle) {
  int fd = -1;
  const absl::Status status =
      DrmStatus(drmPrimeHandleToFD(card_.get(), handle, DRM_CLOEXEC | DRM_RDWR, &fd),
                "DRM_IOCTL_PRIME_HANDLE_TO_FD");
  if (!status.ok()) return status;
  return UniqueFd(fd);
}

absl::Status LinuxDrmDevice::DestroyDumb(uint32_t handle) {
  return DrmStatus(drmModeDestroyDumbBuffer(card_.get(), handle), "DRM_IOCTL_MODE_DESTROY_DUMB");
}

absl::Status LinuxDrmDevice::Zero(int dma_buf, int64_t size_bytes) {
  const size_t size = static_cast<size_t>(size_bytes);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, dma_buf, 0);
  if (memory == MAP_FAILED) return ErrnoStatus(errno, "mmap of a dumb buffer");
  absl::Status status = SyncDmaBuf(dma_buf, DMA_BUF_SYNC_START);
  if (status.ok()) {
    memset(memory, 0, size);
    status = SyncDmaBuf(dma_buf, DMA_BUF_SYNC_END);
  }
  munmap(memory, size);
  return status;
}

}  // namespace dmaheap

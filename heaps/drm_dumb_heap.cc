#include "heaps/drm_dumb_heap.h"

#include <dirent.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

// The .name of drivers under drivers/gpu/drm that have DRM_GEM_DMA_DRIVER_OPS (before 6.1
// DRM_GEM_CMA_...) with drm_gem_dma_dumb_create, or their own function around it: arm/malidp_drv.c,
// atmel-hlcdc/atmel_hlcdc_dc.c, imx/ipuv3/imx-drm-core.c, meson/meson_drv.c, renesas/shmobile/
// shmob_drm_drv.c, stm/drv.c, sun4i/sun4i_drv.c, vc4/vc4_drv.c (whose cache zeroes what it reuses
// for dumb buffers).
constexpr std::array<absl::string_view, 8> kDmaHelperDrivers = {
    "mali-dp", "atmel-hlcdc", "imx-drm", "meson", "shmob-drm", "stm", "sun4i-drm", "vc4"};

HeapDescription DescriptionOf(const DrmDumbHeapOptions& options, absl::string_view driver) {
  HeapDescription description;
  description.name = options.name;
  description.aliases = options.aliases;
  description.kind = v1::DRM_DUMB;
  description.contiguity = DrmDriverUsesDmaHelper(driver) && !options.machine_may_have_iommu
                               ? v1::PHYSICAL
                               : v1::SCATTERED;
  description.area = options.area.empty() ? options.name : options.area;
  description.page_size_bytes = options.kernel->page_size_bytes();
  return description;
}

}  // namespace

bool DrmDriverUsesDmaHelper(absl::string_view driver) {
  return absl::c_linear_search(kDmaHelperDrivers, driver);
}

bool MachineMayHaveIommu(const std::string& iommu_class) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(iommu_class.c_str()), closedir);
  if (folder == nullptr) return errno != ENOENT;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] != '.') return true;
  }
  return false;
}

absl::optional<DumbGeometry> GeometryOf(int64_t size_bytes) {
  // Lines of 4 KiB, in the format that every driver knows: no driver's alignment of lines adds to
  // it.
  constexpr uint32_t kWidth = 1024;
  constexpr uint32_t kBitsPerPixel = 32;
  constexpr int64_t kLineBytes = int64_t{kWidth} * kBitsPerPixel / 8;
  // drm_mode_create_dumb: height * stride, rounded up to a page, must stay below 2^32. Pages have
  // at most 64 KiB.
  constexpr int64_t kMaxBytes = (int64_t{1} << 32) - 65536;
  if (size_bytes < 1 || size_bytes > kMaxBytes) return absl::nullopt;
  return DumbGeometry{kWidth, static_cast<uint32_t>((size_bytes - 1) / kLineBytes + 1),
                      kBitsPerPixel};
}

absl::StatusOr<std::unique_ptr<DrmDumbHeap>> DrmDumbHeap::Create(DrmDumbHeapOptions options) {
  const auto driver = options.device->DriverName();
  if (!driver.ok()) return driver.status();
  const auto can_export = options.device->CanExportDumbBuffers();
  if (!can_export.ok()) return can_export.status();
  if (!*can_export) {
    return ErrnoStatus(EOPNOTSUPP, absl::StrCat("heap ", options.name, ": DRM driver ", *driver,
                                                " exports no dumb buffers"));
  }
  return std::unique_ptr<DrmDumbHeap>(new DrmDumbHeap(std::move(options), *driver));
}

DrmDumbHeap::DrmDumbHeap(DrmDumbHeapOptions options, absl::string_view driver)
    : description_(DescriptionOf(options, driver)),
      comes_zeroed_(DrmDriverUsesDmaHelper(driver)),
      device_(std::move(options.device)),
      kernel_(options.kernel) {}

absl::StatusOr<UniqueFd> DrmDumbHeap::AllocateDmaBuf(const DumbGeometry& geometry) {
  const auto handle = device_->CreateDumb(geometry);
  if (!handle.ok()) return handle.status();
  auto fd = device_->Export(*handle);
  // With or without the fd: the handle goes.
  const absl::Status destroyed = device_->DestroyDumb(*handle);
  if (!fd.ok()) return fd.status();
  if (!destroyed.ok()) {
    return ErrnoStatus(GetErrno(destroyed),
                       absl::StrCat("heap ", description_.name,
                                    " keeps a dumb buffer until its card "
                                    "is closed, for its handle can not be destroyed"));
  }
  return fd;
}

absl::StatusOr<Buffer> DrmDumbHeap::Allocate(const AllocationSpec& spec) {
  if (spec.size_bytes <= 0 || spec.label.size() > kMaxLabelBytes) {
    return ErrnoStatus(EINVAL, absl::StrCat("heap ", description_.name, ": ", spec.size_bytes,
                                            " bytes, label of ", spec.label.size(), " bytes"));
  }
  const auto geometry = GeometryOf(spec.size_bytes);
  if (!geometry.has_value()) {
    return ErrnoStatus(ENOMEM, absl::StrCat("heap ", description_.name, ": ", spec.size_bytes,
                                            " bytes are more than DRM has in one buffer"));
  }
  auto fd = AllocateDmaBuf(*geometry);
  if (!fd.ok()) return fd.status();
  if (!spec.label.empty()) {
    if (absl::Status status = kernel_->SetDmaBufName(fd->get(), spec.label); !status.ok()) {
      return status;
    }
  }
  const auto inode = kernel_->InodeOf(fd->get());
  if (!inode.ok()) return inode.status();
  const auto size = kernel_->SizeOf(fd->get());
  if (!size.ok()) return size.status();
  if (*size < spec.size_bytes) {
    return ErrnoStatus(EIO, absl::StrCat("heap ", description_.name, " gave ", *size,
                                         " bytes where ", spec.size_bytes, " were asked"));
  }
  if (!comes_zeroed_) {
    if (absl::Status status = device_->Zero(fd->get(), *size); !status.ok()) return status;
  }
  Buffer buffer;
  buffer.fd = *std::move(fd);
  buffer.key = {BufferKey::Backing::kDmaBuf, *inode};
  buffer.size_bytes = *size;
  buffer.contiguity = description_.contiguity;
  return buffer;
}

}  // namespace dmaheap

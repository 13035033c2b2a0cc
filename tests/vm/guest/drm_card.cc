#include "tests/vm/guest/drm_card.h"

#include <xf86drm.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "heaps/linux_drm_device.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// More than the guest has.
constexpr int kMaxCards = 8;

}  // namespace

absl::StatusOr<DrmCard> DrmCard::Open(absl::string_view driver) {
  for (int i = 0; i < kMaxCards; ++i) {
    std::string path = absl::StrCat("/dev/dri/card", i);
    absl::StatusOr<UniqueFd> card = OpenDrmCard(path);
    if (!card.ok()) continue;
    LinuxDrmDevice device(card->Dup());
    if (const auto name = device.DriverName(); !name.ok() || *name != driver) continue;
    return DrmCard(std::move(path), *std::move(card));
  }
  return ErrnoStatus(ENODEV, absl::StrCat("looking for a card of ", driver));
}

absl::StatusOr<uint32_t> DrmCard::Import(int dma_buf) const {
  uint32_t handle = 0;
  if (drmPrimeFDToHandle(card_.get(), dma_buf, &handle) != 0) {
    return ErrnoStatus(errno, absl::StrCat("drmPrimeFDToHandle of ", path_));
  }
  return handle;
}

absl::Status DrmCard::CloseHandle(uint32_t handle) const {
  if (drmCloseBufferHandle(card_.get(), handle) != 0) {
    return ErrnoStatus(errno, absl::StrCat("drmCloseBufferHandle of ", path_));
  }
  return absl::OkStatus();
}

}  // namespace dmaheap

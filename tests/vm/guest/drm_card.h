// A display card of the guest (vgem, vkms) as an importer of dma-bufs, past the daemon. Root.

#ifndef TESTS_VM_GUEST_DRM_CARD_H_
#define TESTS_VM_GUEST_DRM_CARD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class DrmCard {
 public:
  // The card that has this driver; ENODEV without one.
  static absl::StatusOr<DrmCard> Open(absl::string_view driver);

  // Its node in /dev/dri.
  const std::string& path() const { return path_; }

  // A handle that holds the dma-buf's memory without any fd (drmPrimeFDToHandle).
  absl::StatusOr<uint32_t> Import(int dma_buf) const;
  absl::Status CloseHandle(uint32_t handle) const;

 private:
  DrmCard(std::string path, UniqueFd card) : path_(std::move(path)), card_(std::move(card)) {}

  std::string path_;
  UniqueFd card_;
};

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_DRM_CARD_H_

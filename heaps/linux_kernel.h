// The kernel this process runs on: the Kernel seam made of system calls.
//
// Thread-safe. Holds no fd.

#ifndef HEAPS_LINUX_KERNEL_H_
#define HEAPS_LINUX_KERNEL_H_

#include <atomic>

#include "heaps/kernel.h"

namespace dmaheap {

class LinuxKernel final : public Kernel {
 public:
  LinuxKernel();

  int64_t page_size_bytes() const override { return page_size_bytes_; }
  absl::StatusOr<UniqueFd> AllocateDmaBuf(int heap, int64_t size_bytes) override;
  absl::Status SetDmaBufName(int dma_buf, absl::string_view name) override;
  absl::StatusOr<uint64_t> InodeOf(int fd) override;
  absl::StatusOr<int64_t> SizeOf(int fd) override;
  absl::StatusOr<UniqueFd> CreateSealedMemfd(absl::string_view name, int64_t size_bytes) override;
  absl::StatusOr<UniqueFd> CreateUdmabuf(int udmabuf, int memfd, int64_t size_bytes) override;

 private:
  // memfd_create, with MFD_NOEXEC_SEAL unless this kernel refused it once.
  UniqueFd CreateMemfd(const std::string& name);

  const int64_t page_size_bytes_;
  std::atomic<bool> knows_noexec_seal_{true};
};

}  // namespace dmaheap

#endif  // HEAPS_LINUX_KERNEL_H_

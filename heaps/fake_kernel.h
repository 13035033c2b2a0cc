// A kernel for tests that fails when it is told to. What succeeds is real: a dma-buf is stood in
// for by a memfd of the right size, so that fds, inodes and sizes are true and leaks are seen.
//
//   FakeKernel kernel;
//   kernel.FailNext(FakeKernel::Call::kAllocateDmaBuf, ENOMEM, 2);
//
// Thread-safe.

#ifndef HEAPS_FAKE_KERNEL_H_
#define HEAPS_FAKE_KERNEL_H_

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "heaps/kernel.h"
#include "heaps/linux_kernel.h"

namespace dmaheap {

class FakeKernel final : public Kernel {
 public:
  enum class Call {
    kAllocateDmaBuf,
    kSetDmaBufName,
    kInodeOf,
    kSizeOf,
    kCreateSealedMemfd,
    kCreateUdmabuf
  };

  // The next `times` calls of this kind fail so, after those scripted before.
  void FailNext(Call call, int error_number, int times = 1);

  // How often it was called, failures included.
  int calls(Call call) const;

  // What SetDmaBufName or CreateSealedMemfd named the file of this inode; empty if neither did.
  std::string NameOf(uint64_t inode) const;

  int64_t page_size_bytes() const override { return linux_.page_size_bytes(); }
  absl::StatusOr<UniqueFd> AllocateDmaBuf(int heap, int64_t size_bytes) override;
  absl::Status SetDmaBufName(int dma_buf, absl::string_view name) override;
  absl::StatusOr<uint64_t> InodeOf(int fd) override;
  absl::StatusOr<int64_t> SizeOf(int fd) override;
  absl::StatusOr<UniqueFd> CreateSealedMemfd(absl::string_view name, int64_t size_bytes) override;
  absl::StatusOr<UniqueFd> CreateUdmabuf(int udmabuf, int memfd, int64_t size_bytes) override;

 private:
  // The scripted failure of this call, or OK.
  absl::Status Begin(Call call);
  absl::Status Remember(int fd, absl::string_view name);

  LinuxKernel linux_;
  mutable std::mutex mutex_;
  std::map<Call, std::deque<int>> failures_;
  std::map<Call, int> calls_;
  std::map<uint64_t, std::string> names_;
};

}  // namespace dmaheap

#endif  // HEAPS_FAKE_KERNEL_H_

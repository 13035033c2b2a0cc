// What this room asks of the kernel: the seam between the heaps and the system calls.
//
// linux_kernel.h is the real one and holds every ioctl and memfd call of the room; fake_kernel.h
// scripts failures. DRM has a seam of its own (drm_device.h).
//
// All methods are thread-safe. Fds that go in are borrowed, fds that come out are owned and
// O_CLOEXEC. Sizes are bytes. Every failure carries the errno of the call that failed (GetErrno of
// proto/errno_status.h), never another one in its place.

#ifndef HEAPS_KERNEL_H_
#define HEAPS_KERNEL_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class Kernel {
 public:
  virtual ~Kernel() = default;

  virtual int64_t page_size_bytes() const = 0;

  // A read-write dma-buf from an open heap node (DMA_HEAP_IOCTL_ALLOC, linux/dma-heap.h). Blocks
  // while the kernel migrates and zeroes pages. ENOMEM: the heap could not give it; cma_heap says
  // so for every cause. EMFILE, ENFILE: no fd left in this process, no file left in the system.
  // EINTR: a fatal signal is pending (the heaps check for no other), so it is not repeated. ENODEV:
  // the heap is gone. ENOTTY: fd is no heap.
  virtual absl::StatusOr<UniqueFd> AllocateDmaBuf(int heap, int64_t size_bytes) = 0;

  // Names a dma-buf for debugfs, fdinfo and sysfs (DMA_BUF_SET_NAME, linux/dma-buf.h). At most
  // kMaxLabelBytes: a longer one is EINVAL.
  virtual absl::Status SetDmaBufName(int dma_buf, absl::string_view name) = 0;

  // fstat(2).
  virtual absl::StatusOr<uint64_t> InodeOf(int fd) = 0;

  // Where the file ends: lseek(2) with SEEK_END, which a dma-buf answers with the size of its
  // memory (drivers/dma-buf/dma-buf.c, dma_buf_llseek; fstat says 0).
  virtual absl::StatusOr<int64_t> SizeOf(int fd) = 0;

  // A zeroed memfd of exactly this size that nobody can shrink, grow or unseal, and that can not be
  // made executable where the kernel knows MFD_NOEXEC_SEAL (6.3). Its pages come when they are
  // touched. name shows in /proc/PID/fd as "memfd:NAME"; at most 249 bytes (memfd_create(2)).
  // EMFILE, ENFILE, ENOMEM as they are; EFBIG: larger than a file can be.
  virtual absl::StatusOr<UniqueFd> CreateSealedMemfd(absl::string_view name,
                                                     int64_t size_bytes) = 0;

  // A dma-buf over the pages of a sealed memfd, from its first byte on (UDMABUF_CREATE,
  // linux/udmabuf.h). The memfd may be closed afterwards. size_bytes is a multiple of the page
  // size. EINVAL: larger than the parameter udmabuf.size_limit_mb (64 unless somebody changed it).
  virtual absl::StatusOr<UniqueFd> CreateUdmabuf(int udmabuf, int memfd, int64_t size_bytes) = 0;
};

}  // namespace dmaheap

#endif  // HEAPS_KERNEL_H_

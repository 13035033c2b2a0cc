#include "heaps/linux_kernel.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// linux/memfd.h since 6.3; Debian 12 has the headers of 6.1. Implies MFD_ALLOW_SEALING.
constexpr unsigned int kMfdNoexecSeal = 0x0008;

}  // namespace

LinuxKernel::LinuxKernel() : page_size_bytes_(sysconf(_SC_PAGESIZE)) {}

absl::StatusOr<UniqueFd> LinuxKernel::AllocateDmaBuf(int heap, int64_t size_bytes) {
  dma_heap_allocation_data data = {};
  data.len = static_cast<uint64_t>(size_bytes);
  data.fd_flags = O_RDWR | O_CLOEXEC;
  if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) != 0) {
    return ErrnoStatus(errno, absl::StrCat("DMA_HEAP_IOCTL_ALLOC of ", size_bytes, " bytes"));
  }
  return UniqueFd(static_cast<int>(data.fd));
}

absl::Status LinuxKernel::SetDmaBufName(int dma_buf, absl::string_view name) {
  // _B is the form whose argument has one size for 32 and 64 bit (linux/dma-buf.h).
  if (ioctl(dma_buf, DMA_BUF_SET_NAME_B, std::string(name).c_str()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("DMA_BUF_SET_NAME '", name, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> LinuxKernel::InodeOf(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0) return ErrnoStatus(errno, absl::StrCat("fstat of fd ", fd));
  return static_cast<uint64_t>(file.st_ino);
}

absl::StatusOr<int64_t> LinuxKernel::SizeOf(int fd) {
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size < 0) return ErrnoStatus(errno, absl::StrCat("lseek to the end of fd ", fd));
  return static_cast<int64_t>(size);
}

UniqueFd LinuxKernel::CreateMemfd(const std::string& name) {
  if (knows_noexec_seal_.load(std::memory_order_relaxed)) {
    UniqueFd fd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | kMfdNoexecSeal));
    // The name is short enough, so EINVAL can only mean the flag.
    if (fd.valid() || errno != EINVAL) return fd;
    knows_noexec_seal_.store(false, std::memory_order_relaxed);
  }
  return UniqueFd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

absl::StatusOr<UniqueFd> LinuxKernel::CreateSealedMemfd(absl::string_view name,
                                                        int64_t size_bytes) {
  // memfd_create(2): the name may have 249 bytes.
  constexpr size_t kMaxNameBytes = 249;
  if (name.size() > kMaxNameBytes) {
    return ErrnoStatus(EINVAL, absl::StrCat("memfd_create with a name of ", name.size(), " bytes"));
  }
  UniqueFd fd = CreateMemfd(std::string(name));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("memfd_create '", name, "'"));
  int result;
  do {
    result = ftruncate(fd.get(), size_bytes);
  } while (result != 0 && errno == EINTR);  // ftruncate(2): nothing was changed
  if (result != 0) {
    return ErrnoStatus(errno, absl::StrCat("ftruncate of a memfd to ", size_bytes, " bytes"));
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return ErrnoStatus(errno, "F_ADD_SEALS on a memfd");
  }
  return fd;
}

absl::StatusOr<UniqueFd> LinuxKernel::CreateUdmabuf(int udmabuf, int memfd, int64_t size_bytes) {
  udmabuf_create create = {};
  create.memfd = static_cast<uint32_t>(memfd);
  create.flags = UDMABUF_FLAGS_CLOEXEC;
  create.size = static_cast<uint64_t>(size_bytes);
  const int fd = ioctl(udmabuf, UDMABUF_CREATE, &create);
  if (fd < 0) {
    return ErrnoStatus(errno, absl::StrCat("UDMABUF_CREATE of ", size_bytes, " bytes"));
  }
  return UniqueFd(fd);
}

}  // namespace dmaheap

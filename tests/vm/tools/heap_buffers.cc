#include "tests/vm/tools/heap_buffers.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "heaps/linux_kernel.h"
#include "proto/errno_status.h"

namespace dmaheap {

absl::StatusOr<HeapBuffers> HeapBuffers::Open(const std::string& node) {
  const std::string path = absl::StrCat("/dev/dma_heap/", node);
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  return HeapBuffers(std::move(fd));
}

absl::StatusOr<UniqueFd> HeapBuffers::Allocate(int64_t size_bytes) const {
  return LinuxKernel().AllocateDmaBuf(node_.get(), size_bytes);
}

absl::StatusOr<int64_t> HeapBuffers::Hold(int64_t size_bytes, int64_t count) {
  int64_t got = 0;
  for (; got < count; ++got) {
    absl::StatusOr<UniqueFd> buffer = Allocate(size_bytes);
    if (!buffer.ok()) {
      if (GetErrno(buffer.status()) == ENOMEM) break;
      return buffer.status();
    }
    held_.push_back(*std::move(buffer));
  }
  return got;
}

void HeapBuffers::ReleaseEverySecond() {
  for (size_t i = 1; i < held_.size(); i += 2) held_[i].Reset();
}

}  // namespace dmaheap

#include "client/internal/check_fd.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

absl::Status Mismatch(const v1::BufferEntry& entry, absl::string_view what, uint64_t expected,
                      uint64_t actual) {
  return Error(ErrorReason::TRUNCATED_RECEIPT,
               absl::StrCat("the fd that came for ", entry.name(), " has ", what, " ", actual,
                            " and the daemon announced ", expected,
                            "; it was closed, and the daemon told"))
      .With("buffer", entry.name())
      .With(absl::StrCat("expected_", what), expected)
      .With(absl::StrCat("actual_", what), actual);
}

}  // namespace

absl::Status CheckFd(int fd, const v1::BufferEntry& entry) {
  struct stat status;
  if (fstat(fd, &status) != 0) {
    return ErrnoStatus(errno, absl::StrCat("fstat of the fd for ", entry.name()));
  }
  if (status.st_ino != entry.inode()) {
    return Mismatch(entry, "inode", entry.inode(), status.st_ino);
  }
  off_t size = status.st_size;
  if (size != entry.size_bytes()) {
    // Older kernels keep a dma-buf's size out of its inode but answer SEEK_END (dma_buf_llseek of
    // drivers/dma-buf/dma-buf.c).
    const off_t end = lseek(fd, 0, SEEK_END);
    if (end >= 0) {
      size = end;
      lseek(fd, 0, SEEK_SET);
    }
  }
  if (size != entry.size_bytes()) {
    return Mismatch(entry, "size_bytes", static_cast<uint64_t>(entry.size_bytes()),
                    static_cast<uint64_t>(size));
  }
  return absl::OkStatus();
}

}  // namespace dmaheap::client_internal

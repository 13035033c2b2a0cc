#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/dmaheap.h"
#include "client/internal/buffer_state.h"
#include "proto/errno_status.h"

namespace dmaheap {
inline namespace client_v0 {
namespace {

absl::Status Sync(const client_internal::BufferState& state, CpuAccess access, uint64_t bracket) {
  if (!state.fd.valid()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the fd of ", state.name,
                     " was taken out of its Buffer: bracket CPU access with DMA_BUF_IOCTL_SYNC on "
                     "that fd"));
  }
  dma_buf_sync sync = {.flags = bracket};
  if (access != CpuAccess::kWrite) sync.flags |= DMA_BUF_SYNC_READ;
  if (access != CpuAccess::kRead) sync.flags |= DMA_BUF_SYNC_WRITE;
  int result;
  do {
    // EAGAIN and EINTR: a device's fence was waited for and a signal came (linux/dma-buf.h).
    result = ioctl(state.fd.get(), DMA_BUF_IOCTL_SYNC, &sync);
  } while (result != 0 && (errno == EINTR || errno == EAGAIN));
  // An ordinary memfd of a simulated heap: coherent memory that no device sees.
  if (result == 0 || errno == ENOTTY) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("DMA_BUF_IOCTL_SYNC on ", state.name));
}

}  // namespace

Mapping::Mapping(std::shared_ptr<client_internal::BufferState> state, void* data,
                 int64_t size_bytes)
    : state_(std::move(state)), data_(data), size_bytes_(size_bytes) {}

Mapping::Mapping(Mapping&& other) noexcept
    : state_(std::move(other.state_)),
      data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    std::swap(state_, other.state_);
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
  }
  return *this;
}

Mapping::~Mapping() {
  // Before the shared fd goes, so that the hint to the daemon comes last.
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(size_bytes_));
}

absl::Status Mapping::BeginCpuAccess(CpuAccess access) {
  return Sync(*state_, access, DMA_BUF_SYNC_START);
}

absl::Status Mapping::EndCpuAccess(CpuAccess access) {
  return Sync(*state_, access, DMA_BUF_SYNC_END);
}

}  // namespace client_v0
}  // namespace dmaheap

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/dmaheap.h"
#include "client/internal/buffer_state.h"
#include "proto/errno_status.h"

namespace dmaheap {
inline namespace client_v0 {

Buffer::Buffer(std::shared_ptr<client_internal::BufferState> state) : state_(std::move(state)) {}
Buffer::Buffer(Buffer&& other) noexcept = default;
Buffer& Buffer::operator=(Buffer&& other) noexcept = default;
Buffer::~Buffer() = default;

int Buffer::fd() const { return state_->fd.get(); }
int64_t Buffer::size_bytes() const { return state_->size_bytes; }
const std::string& Buffer::name() const { return state_->name; }
const std::string& Buffer::heap() const { return state_->heap; }
const std::string& Buffer::label() const { return state_->label; }
Contiguity Buffer::contiguity() const { return state_->contiguity; }
const std::string& Buffer::reservation() const { return state_->reservation; }
bool Buffer::was_ready() const { return state_->was_ready; }

absl::StatusOr<Mapping> Buffer::Map(CpuAccess access) const {
  int protection = 0;
  if (access != CpuAccess::kWrite) protection |= PROT_READ;
  if (access != CpuAccess::kRead) protection |= PROT_WRITE;
  void* const data = mmap(nullptr, static_cast<size_t>(state_->size_bytes), protection, MAP_SHARED,
                          state_->fd.get(), 0);
  if (data == MAP_FAILED) {
    return ErrnoStatus(errno,
                       absl::StrCat("mmap of ", state_->size_bytes, " bytes of ", state_->name));
  }
  return Mapping(state_, data, state_->size_bytes);
}

int Buffer::TakeFd() { return state_->fd.Take(); }

}  // namespace client_v0
}  // namespace dmaheap

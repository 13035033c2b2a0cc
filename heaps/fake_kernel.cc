#include "heaps/fake_kernel.h"

#include "heaps/page_math.h"
#include "proto/errno_status.h"

namespace dmaheap {

void FakeKernel::FailNext(Call call, int error_number, int times) {
  std::lock_guard<std::mutex> lock(mutex_);
  failures_[call].insert(failures_[call].end(), times, error_number);
}

int FakeKernel::calls(Call call) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = calls_.find(call);
  return it == calls_.end() ? 0 : it->second;
}

std::string FakeKernel::NameOf(uint64_t inode) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = names_.find(inode);
  return it == names_.end() ? "" : it->second;
}

absl::Status FakeKernel::Begin(Call call) {
  std::lock_guard<std::mutex> lock(mutex_);
  ++calls_[call];
  std::deque<int>& failures = failures_[call];
  if (failures.empty()) return absl::OkStatus();
  const int error_number = failures.front();
  failures.pop_front();
  return ErrnoStatus(error_number, "scripted failure");
}

absl::Status FakeKernel::Remember(int fd, absl::string_view name) {
  const auto inode = linux_.InodeOf(fd);
  if (!inode.ok()) return inode.status();
  std::lock_guard<std::mutex> lock(mutex_);
  names_[*inode] = std::string(name);
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> FakeKernel::AllocateDmaBuf(int heap, int64_t size_bytes) {
  if (absl::Status status = Begin(Call::kAllocateDmaBuf); !status.ok()) return status;
  const auto rounded = RoundUpToPages(size_bytes, page_size_bytes());
  if (!rounded.has_value()) return ErrnoStatus(ENOMEM, "stand-in for DMA_HEAP_IOCTL_ALLOC");
  return linux_.CreateSealedMemfd("fake dma-buf", *rounded);
}

absl::Status FakeKernel::SetDmaBufName(int dma_buf, absl::string_view name) {
  if (absl::Status status = Begin(Call::kSetDmaBufName); !status.ok()) return status;
  return Remember(dma_buf, name);
}

absl::StatusOr<uint64_t> FakeKernel::InodeOf(int fd) {
  if (absl::Status status = Begin(Call::kInodeOf); !status.ok()) return status;
  return linux_.InodeOf(fd);
}

absl::StatusOr<int64_t> FakeKernel::SizeOf(int fd) {
  if (absl::Status status = Begin(Call::kSizeOf); !status.ok()) return status;
  return linux_.SizeOf(fd);
}

absl::StatusOr<UniqueFd> FakeKernel::CreateSealedMemfd(absl::string_view name, int64_t size_bytes) {
  if (absl::Status status = Begin(Call::kCreateSealedMemfd); !status.ok()) return status;
  auto fd = linux_.CreateSealedMemfd(name, size_bytes);
  if (!fd.ok()) return fd;
  if (absl::Status status = Remember(fd->get(), name); !status.ok()) return status;
  return fd;
}

absl::StatusOr<UniqueFd> FakeKernel::CreateUdmabuf(int udmabuf, int memfd, int64_t size_bytes) {
  if (absl::Status status = Begin(Call::kCreateUdmabuf); !status.ok()) return status;
  return linux_.CreateSealedMemfd("fake udmabuf", size_bytes);
}

}  // namespace dmaheap

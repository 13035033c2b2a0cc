#include "heaps/dma_heap.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "heaps/cma_sysfs.h"
#include "heaps/page_math.h"
#include "proto/errno_status.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

HeapDescription WithPageSize(HeapDescription description, int64_t page_size_bytes) {
  description.page_size_bytes = page_size_bytes;
  return description;
}

}  // namespace

DmaHeap::DmaHeap(DmaHeapOptions options)
    : description_(WithPageSize(std::move(options.description), options.kernel->page_size_bytes())),
      node_(std::move(options.node)),
      available_pages_(std::move(options.available_pages)),
      kernel_(options.kernel) {}

absl::StatusOr<Buffer> DmaHeap::Allocate(const AllocationSpec& spec) {
  if (spec.size_bytes <= 0 || spec.label.size() > kMaxLabelBytes) {
    return ErrnoStatus(EINVAL, absl::StrCat("heap ", description_.name, ": ", spec.size_bytes,
                                            " bytes, label of ", spec.label.size(), " bytes"));
  }
  const auto rounded = RoundUpToPages(spec.size_bytes, description_.page_size_bytes);
  if (!rounded.has_value()) {
    return ErrnoStatus(ENOMEM, absl::StrCat("heap ", description_.name, ": ", spec.size_bytes,
                                            " bytes are more than any memory"));
  }
  auto fd = kernel_->AllocateDmaBuf(node_.get(), *rounded);
  if (!fd.ok()) return fd.status();
  // The name first: from its first moment on the buffer shows whose it is.
  if (!spec.label.empty()) {
    if (absl::Status status = kernel_->SetDmaBufName(fd->get(), spec.label); !status.ok()) {
      return status;
    }
  }
  const auto inode = kernel_->InodeOf(fd->get());
  if (!inode.ok()) return inode.status();
  const auto size = kernel_->SizeOf(fd->get());
  if (!size.ok()) return size.status();
  if (*size < spec.size_bytes) {
    return ErrnoStatus(EIO, absl::StrCat("heap ", description_.name, " gave ", *size,
                                         " bytes where ", spec.size_bytes, " were asked"));
  }
  Buffer buffer;
  buffer.fd = *std::move(fd);
  buffer.key = {BufferKey::Backing::kDmaBuf, *inode};
  buffer.size_bytes = *size;
  buffer.contiguity = description_.contiguity;
  return buffer;
}

HeapUsage DmaHeap::Usage() const {
  HeapUsage usage;
  if (const auto pages = ReadCmaCount(available_pages_.get()); pages.has_value()) {
    usage.free_bytes = *pages * description_.page_size_bytes;
  }
  return usage;
}

}  // namespace dmaheap

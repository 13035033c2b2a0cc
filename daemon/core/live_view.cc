#include "daemon/core/live_view.h"

#include <utility>

namespace dmaheap {
namespace {

// A watch that can not be read says nothing is gone: what is charged then stays charged.
std::vector<BufferKey> TakeFrom(BufferWatch& watch, std::mutex& mutex) {
  std::lock_guard<std::mutex> lock(mutex);
  absl::StatusOr<std::vector<BufferKey>> gone = watch.TakeGone();
  return gone.ok() ? *std::move(gone) : std::vector<BufferKey>();
}

}  // namespace

absl::Status KernelLiveView::Watch(const Buffer& buffer) {
  const bool dma_buf = buffer.key.backing == BufferKey::Backing::kDmaBuf;
  std::lock_guard<std::mutex> lock(dma_buf ? dma_buf_mutex_ : memfd_mutex_);
  return (dma_buf ? dma_bufs_ : memfds_)->Add(buffer);
}

std::vector<BufferKey> KernelLiveView::TakeSignalled() { return TakeFrom(*memfds_, memfd_mutex_); }

std::vector<BufferKey> KernelLiveView::TakeGone() {
  std::vector<BufferKey> gone = TakeSignalled();
  const std::vector<BufferKey> dma_bufs = TakeFrom(*dma_bufs_, dma_buf_mutex_);
  gone.insert(gone.end(), dma_bufs.begin(), dma_bufs.end());
  return gone;
}

std::vector<BufferKey> KernelLiveView::Watched() {
  std::vector<BufferKey> keys;
  for (auto [watch, mutex] :
       {std::pair(dma_bufs_.get(), &dma_buf_mutex_), std::pair(memfds_.get(), &memfd_mutex_)}) {
    std::lock_guard<std::mutex> lock(*mutex);
    keys.insert(keys.end(), watch->watched().begin(), watch->watched().end());
  }
  return keys;
}

}  // namespace dmaheap

#include "heaps/live_view.h"

#include <utility>

namespace dmaheap {
namespace {

absl::Status Append(BufferWatch& watch, std::vector<BufferKey>* gone) {
  const auto more = watch.TakeGone();
  if (!more.ok()) return more.status();
  gone->insert(gone->end(), more->begin(), more->end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LiveView> LiveView::Create(UniqueFd inherited_epoll, UniqueFd inherited_inotify) {
  auto dma_bufs = CreateDmaBufWatch(std::move(inherited_epoll));
  if (!dma_bufs.ok()) return dma_bufs.status();
  auto memfds = CreateMemfdWatch(std::move(inherited_inotify));
  if (!memfds.ok()) return memfds.status();
  return LiveView(*std::move(dma_bufs), *std::move(memfds));
}

absl::Status LiveView::TakeGone(std::vector<BufferKey>* gone) {
  const absl::Status memfds = TakeGoneMemfds(gone);
  const absl::Status dma_bufs = Append(*dma_bufs_, gone);
  return memfds.ok() ? dma_bufs : memfds;
}

absl::Status LiveView::TakeGoneMemfds(std::vector<BufferKey>* gone) {
  return Append(*memfds_, gone);
}

bool LiveView::IsWatched(const BufferKey& key) const { return Of(key).watched().contains(key); }

std::vector<BufferKey> LiveView::watched() const {
  std::vector<BufferKey> keys(dma_bufs_->watched().begin(), dma_bufs_->watched().end());
  keys.insert(keys.end(), memfds_->watched().begin(), memfds_->watched().end());
  return keys;
}

}  // namespace dmaheap

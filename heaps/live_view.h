// Which delivered buffers still exist, of both kinds: the two BufferWatches behind one door.
//
//   auto view = LiveView::Create(std::move(inherited.epoll), std::move(inherited.inotify));
//   view->Add(buffer);              // while its fd is in hand
//   std::vector<BufferKey> gone;
//   absl::Status status = view->TakeGone(&gone);
//
// One thread owns it. buffer_watch.h says what a watch is and what it costs.

#ifndef HEAPS_LIVE_VIEW_H_
#define HEAPS_LIVE_VIEW_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "heaps/buffer_watch.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class LiveView {
 public:
  // New sets for empty fds.
  static absl::StatusOr<LiveView> Create(UniqueFd inherited_epoll, UniqueFd inherited_inotify);

  absl::Status Add(const Buffer& buffer) { return Of(buffer.key).Add(buffer); }

  // Appends what is gone since. After a failure gone has what the other watch said, and the next
  // call the rest.
  absl::Status TakeGone(std::vector<BufferKey>* gone);
  // The same for memfds alone: what to do when event_fd() is readable.
  absl::Status TakeGoneMemfds(std::vector<BufferKey>* gone);

  bool IsWatched(const BufferKey& key) const;
  // Those of both kinds, in no order.
  std::vector<BufferKey> watched() const;

  // Readable when a memfd is gone; dma-bufs have no event. Borrowed.
  int event_fd() const { return memfds_->event_fd(); }
  // For handing over. Borrowed.
  int epoll_set_fd() const { return dma_bufs_->set_fd(); }
  int inotify_set_fd() const { return memfds_->set_fd(); }

 private:
  LiveView(std::unique_ptr<BufferWatch> dma_bufs, std::unique_ptr<BufferWatch> memfds)
      : dma_bufs_(std::move(dma_bufs)), memfds_(std::move(memfds)) {}

  BufferWatch& Of(const BufferKey& key) const {
    return key.backing == BufferKey::Backing::kDmaBuf ? *dma_bufs_ : *memfds_;
  }

  std::unique_ptr<BufferWatch> dma_bufs_;
  std::unique_ptr<BufferWatch> memfds_;
};

}  // namespace dmaheap

#endif  // HEAPS_LIVE_VIEW_H_

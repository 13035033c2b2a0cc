// Which of the buffers that were allocated still exist, by the kernel's word.
//
// Every buffer is watched from its allocation on, before anybody else can have a reference, whether
// it is delivered in the end or not. Thread-safe: buffers are added by workers.

#ifndef DAEMON_CORE_LIVE_VIEW_H_
#define DAEMON_CORE_LIVE_VIEW_H_

#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "heaps/buffer.h"
#include "heaps/buffer_watch.h"

namespace dmaheap {

class LiveView {
 public:
  virtual ~LiveView() = default;

  // Begins to watch. On failure (ENOSPC) the buffer can not be accounted for and must not go out.
  virtual absl::Status Watch(const Buffer& buffer) = 0;

  // The buffers whose memory is gone, each once. Takes milliseconds with thousands of dma-bufs, so
  // not inside a task.
  virtual std::vector<BufferKey> TakeGone() = 0;

  // The part of TakeGone that costs nothing: what events told of.
  virtual std::vector<BufferKey> TakeSignalled() = 0;
};

// Over the two watches of heaps/buffer_watch.h.
class KernelLiveView : public LiveView {
 public:
  KernelLiveView(std::unique_ptr<BufferWatch> dma_bufs, std::unique_ptr<BufferWatch> memfds)
      : dma_bufs_(std::move(dma_bufs)), memfds_(std::move(memfds)) {}

  absl::Status Watch(const Buffer& buffer) override;
  std::vector<BufferKey> TakeGone() override;
  std::vector<BufferKey> TakeSignalled() override;

  // What is watched, for rebuilding the ledger from inherited watches.
  std::vector<BufferKey> Watched();
  // Readable when TakeSignalled has something. Borrowed.
  int event_fd() const { return memfds_->event_fd(); }

 private:
  std::mutex dma_buf_mutex_;
  std::unique_ptr<BufferWatch> dma_bufs_;
  std::mutex memfd_mutex_;
  std::unique_ptr<BufferWatch> memfds_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_LIVE_VIEW_H_

#include "client/internal/reply_thread.h"

namespace dmaheap::client_internal {

void ReplyThread::Serve(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  // A unary call that ends with an error completes as well as any other: the status says so.
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
    auto* const reply = static_cast<AwaitedReply*>(tag);
    static_cast<void>(reply->handed_over_.load(std::memory_order_acquire));
    reply->Arrived(ok);
  }
}

ReplyThread::Stay::Stay(ReplyThread& thread) : thread_(thread) {
  std::lock_guard<std::mutex> lock(thread_.mutex_);
  ++thread_.stays_;
}

ReplyThread::Stay::~Stay() {
  std::lock_guard<std::mutex> lock(thread_.mutex_);
  --thread_.stays_;
  // With the lock held: the thread may go as soon as Stop can see the number.
  thread_.left_.notify_all();
}

grpc::CompletionQueue& ReplyThread::queue() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (queue_ == nullptr) {
    queue_ = std::make_unique<grpc::CompletionQueue>();
    thread_ = std::thread([queue = queue_.get()] { Serve(*queue); });
  }
  return *queue_;
}

void ReplyThread::Stop() {
  std::unique_lock<std::mutex> lock(mutex_);
  left_.wait(lock, [this] { return stays_ == 0; });
  if (queue_ == nullptr) return;
  queue_->Shutdown();
  thread_.join();
  queue_ = nullptr;
}

}  // namespace dmaheap::client_internal

// The completion queue of one Client's asynchronous calls, and the thread that serves it.
//
// gRPC's callback API is not used for them: its callbacks run on threads of a pool that gRPC ends
// with the last channel which used it. A callback that drops the last reference to that channel
// makes such a thread join itself, and the queue is freed under it (gRPC 1.51 ignores the EDEADLK;
// later versions abort: github.com/grpc/grpc/pull/32584). Here any thread may drop the channel.
//
// The thread is made at the first call of queue() and ends in Stop(). Thread-safe.

#ifndef CLIENT_INTERNAL_REPLY_THREAD_H_
#define CLIENT_INTERNAL_REPLY_THREAD_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "grpcpp/completion_queue.h"

namespace dmaheap::client_internal {

// What waits for a reply.
class AwaitedReply {
 public:
  virtual ~AwaitedReply() = default;

  // For the call that completes on the queue. From here on this belongs to the thread of the queue.
  void* Tag() {
    handed_over_.store(true, std::memory_order_release);
    return this;
  }

 private:
  friend class ReplyThread;

  // Called once, on the thread of the queue, which does not touch this object any more.
  virtual void Arrived() = 0;

  // gRPC's queue orders the two threads as well, but ThreadSanitizer can not see into it.
  std::atomic<bool> handed_over_{false};
};

class ReplyThread {
 public:
  ReplyThread() = default;
  ReplyThread(const ReplyThread&) = delete;
  ReplyThread& operator=(const ReplyThread&) = delete;
  ~ReplyThread() { Stop(); }

  // Valid until Stop. For AwaitedReply::Tag only.
  grpc::CompletionQueue& queue();

  // Serves what is under way and ends the thread; so not from it. Nobody may start a call any more.
  void Stop();

 private:
  static void Serve(grpc::CompletionQueue& queue);

  std::mutex mutex_;
  std::unique_ptr<grpc::CompletionQueue> queue_;
  std::thread thread_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_REPLY_THREAD_H_

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
#include <condition_variable>
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

  // Called once for each Tag, on the thread of the queue, which does not touch this object any
  // more. ok: as grpc::CompletionQueue::Next says it.
  virtual void Arrived(bool ok) = 0;

  // gRPC's queue orders the two threads as well, but ThreadSanitizer can not see into it.
  std::atomic<bool> handed_over_{false};
};

class ReplyThread {
 public:
  ReplyThread() = default;
  ReplyThread(const ReplyThread&) = delete;
  ReplyThread& operator=(const ReplyThread&) = delete;
  ~ReplyThread() { Stop(); }

  // A call that brings several replies: what asks for the next may start as long as this lives.
  class Stay {
   public:
    explicit Stay(ReplyThread& thread);
    ~Stay();
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

   private:
    ReplyThread& thread_;
  };

  // Valid until Stop. For AwaitedReply::Tag only.
  grpc::CompletionQueue& queue();

  // Waits for each Stay, serves what is under way and ends the thread; so not from it. Nobody may
  // start a call any more.
  void Stop();

 private:
  static void Serve(grpc::CompletionQueue& queue);

  std::mutex mutex_;
  std::condition_variable left_;
  int stays_ = 0;
  std::unique_ptr<grpc::CompletionQueue> queue_;
  std::thread thread_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_REPLY_THREAD_H_

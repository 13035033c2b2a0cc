// How a request fares, told to its caller while it waits: the WatchAllocation stream of one try.
//
// It begins with the constructor, before the try, and ends with the destructor, however the try
// ended. That the daemon is an older one, refuses the watch or breaks it off does the request no
// harm: nothing is told then. Destruction may be on another thread, but not within on_progress.

#ifndef CLIENT_INTERNAL_ALLOCATION_WATCH_H_
#define CLIENT_INTERNAL_ALLOCATION_WATCH_H_

#include <memory>
#include <string>

#include "client/dmaheap.h"
#include "client/internal/reply_thread.h"
#include "dmaheap/v1/allocator.grpc.pb.h"

namespace dmaheap::client_internal {

class AllocationWatch {
 public:
  // on_progress is called on the thread of replies, and not any more once the destructor returned.
  // Empty: nothing is asked, and no thread made.
  AllocationWatch(ReplyThread& replies, v1::Allocator::Stub& stub, const std::string& request_id,
                  const ProgressCallback& on_progress);
  AllocationWatch(const AllocationWatch&) = delete;
  AllocationWatch& operator=(const AllocationWatch&) = delete;
  // Waits for an on_progress that runs.
  ~AllocationWatch();

 private:
  class Stream;

  std::shared_ptr<Stream> stream_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_ALLOCATION_WATCH_H_

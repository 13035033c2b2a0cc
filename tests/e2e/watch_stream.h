// One stream of what becomes of requests, read by a test message by message: reading is the
// waiting.

#ifndef TESTS_E2E_WATCH_STREAM_H_
#define TESTS_E2E_WATCH_STREAM_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "dmaheap/v1/admin.grpc.pb.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"

namespace dmaheap {

enum class Reader {
  kReady,
  // Its connection takes few messages that it has not read: the daemon soon feels that it stopped.
  kSlow,
};

// A connection of its own to one of the daemon's gRPC sockets.
std::shared_ptr<grpc::Channel> ConnectWatcher(const std::string& socket_path,
                                              Reader reader = Reader::kReady);

// One thread. After half a minute it ends with DEADLINE_EXCEEDED.
class WatchStream {
 public:
  // Of one request (Allocator.WatchAllocation); of all (Admin.WatchAllocations).
  WatchStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& request_id);
  explicit WatchStream(const std::shared_ptr<grpc::Channel>& channel);
  // Cancels.
  ~WatchStream();
  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  // The next message; absent at the end of the stream.
  absl::optional<v1::Allocation> Next();
  // The next one that is what a test waits for; the end of the stream before it fails the test.
  v1::Allocation NextThat(const std::function<bool(const v1::Allocation&)>& wanted);
  // All that come until the end.
  std::vector<v1::Allocation> Rest();

  void Cancel() { context_.TryCancel(); }
  // How it ended; waits for that, and reads over what is unread.
  absl::Status End();

 private:
  // The context goes last: the reader lives in the memory of its call.
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::Allocation>> reader_;
  absl::optional<absl::Status> end_;
};

}  // namespace dmaheap

#endif  // TESTS_E2E_WATCH_STREAM_H_

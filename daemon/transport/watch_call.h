// A stream of what becomes of requests: the state of each now, then every change. A reader that is
// slower than the changes gets the newest state of each request, one request after the other. One
// so slow that kMaxUnreadEnds are unread of is sent away: OVERLOADED.

#ifndef DAEMON_TRANSPORT_WATCH_CALL_H_
#define DAEMON_TRANSPORT_WATCH_CALL_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "daemon/core/allocation_view.h"
#include "daemon/core/allocator.h"
#include "daemon/loop/executor.h"
#include "dmaheap/v1/resources.pb.h"
#include "grpcpp/support/server_callback.h"

namespace dmaheap {

// Whose requests: of one uid by its id, after whose end the stream ends; or all, without end.
struct WatchFilter {
  uint32_t uid = 0;
  absl::optional<std::string> request_id;
  Onlooker onlooker = Onlooker::kOwner;
};

// Owns itself until gRPC is done with it. Touched inside tasks only, but for what gRPC calls.
class WatchCall final : public grpc::ServerWriteReactor<v1::Allocation> {
 public:
  WatchCall(Executor& executor, Allocator& allocator)
      : executor_(executor), allocator_(allocator) {}

  // Ends the stream before it began, instead of Start: as a task, or before gRPC has the call.
  void Refuse(const absl::Status& status);
  // As a task. uid is who watches: it may have so many streams.
  void Start(WatchFilter filter);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  bool Wants(const Allocation& allocation) const;
  void Take(const Allocation& allocation);
  void WriteNext();
  void End(const absl::Status& status);

  Executor& executor_;
  Allocator& allocator_;
  WatchFilter filter_;
  absl::optional<WatchList::Id> watch_;
  // Not yet written, by id.
  std::map<uint64_t, v1::Allocation> pending_;
  // The id of the one that was written last.
  uint64_t written_ = 0;
  v1::Allocation current_;
  bool writing_ = false;
  bool ended_ = false;
  // What was asked for has ended: after what is pending comes the end.
  bool last_ = false;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_WATCH_CALL_H_

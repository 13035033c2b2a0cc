// Who wants to hear of every change of a request. Inside tasks of the executor only.

#ifndef DAEMON_CORE_WATCH_LIST_H_
#define DAEMON_CORE_WATCH_LIST_H_

#include <cstdint>
#include <map>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daemon/core/allocation.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class WatchList {
 public:
  using Id = uint64_t;
  struct Watcher {
    // With state kEnded once the request ended.
    absl::AnyInvocable<void(const Allocation&)> on_change;
    // The daemon stops.
    Task on_drain;
  };

  // OVERLOADED if uid has kMaxWatchesPerUid already.
  absl::StatusOr<Id> Add(uint32_t uid, Watcher watcher);
  // May be called by a watcher.
  void Remove(Id watch) { watches_.erase(watch); }

  void Change(const Allocation& allocation);
  void Drain();

 private:
  struct WatchOf {
    uint32_t uid;
    // Shared with the call that is under way when it is removed.
    std::shared_ptr<Watcher> watcher;
  };

  Id next_ = 1;
  std::map<Id, WatchOf> watches_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_WATCH_LIST_H_

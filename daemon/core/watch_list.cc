#include "daemon/core/watch_list.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/limits.h"
#include "proto/error.h"

namespace dmaheap {

absl::StatusOr<WatchList::Id> WatchList::Add(uint32_t uid, Watcher watcher) {
  const auto of_uid = std::count_if(watches_.begin(), watches_.end(),
                                    [uid](const auto& watch) { return watch.second.uid == uid; });
  if (of_uid >= static_cast<int64_t>(kMaxWatchesPerUid)) {
    return Error(ErrorReason::OVERLOADED,
                 absl::StrCat("uid ", uid, " has ", of_uid, " watches of at most ",
                              kMaxWatchesPerUid, "; end one, then try again"))
        .RetryAfter(kOverloadRetryAfter);
  }
  watches_[next_] = {uid, std::make_shared<Watcher>(std::move(watcher))};
  return next_++;
}

void WatchList::Change(const Allocation& allocation) {
  // Whoever is called may end its watch.
  for (auto it = watches_.begin(); it != watches_.end();) {
    const std::shared_ptr<Watcher> watcher = (it++)->second.watcher;
    watcher->on_change(allocation);
  }
}

void WatchList::Drain() {
  for (auto it = watches_.begin(); it != watches_.end();) {
    const std::shared_ptr<Watcher> watcher = (it++)->second.watcher;
    watcher->on_drain();
  }
}

}  // namespace dmaheap

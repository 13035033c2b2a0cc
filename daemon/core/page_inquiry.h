// Asks, for a request that keeps failing, which page is in its way, and remembers what it is told.
//
// Not after the first failures: most pins are gone by then, and each question costs the prober's
// time. Inside tasks only.

#ifndef DAEMON_CORE_PAGE_INQUIRY_H_
#define DAEMON_CORE_PAGE_INQUIRY_H_

#include <sys/types.h>

#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "daemon/core/allocation.h"
#include "daemon/core/page_watch.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class PageInquiry {
 public:
  using AllocationPtr = std::shared_ptr<Allocation>;

  // Once a page has been in the way for so long, who maps it and who pins it is looked for, until
  // somebody is found or all were looked into.
  static constexpr absl::Duration kStuck = PinnedPage::kStays;
  // A question is not asked again before its answer is there, or was taken to the grave by a prober
  // that died.
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  struct Callbacks {
    // allocation->page is of its last failure, or of one shortly before.
    std::function<void(const AllocationPtr&)> on_found;
    std::function<void(const AllocationPtr&)> on_released;
    // allocation->page.mappers is there.
    std::function<void(const AllocationPtr&)> on_mappers;
    // allocation.page, whose pinners are known, has been in its way until now.
    std::function<void(const Allocation&)> on_left;
  };
  // All outlive this.
  PageInquiry(PageWatch& pages, Callbacks callbacks)
      : pages_(pages), callbacks_(std::move(callbacks)) {}

  // Its last attempt failed: the page in its way, where the heap itself tells.
  static void Note(Allocation& allocation);
  // The same, made by that thread, failed for want of memory though its heap has room.
  void OnFailed(const AllocationPtr& allocation, pid_t thread);
  // Whether the page in the way of that one, which failed just now, may be a file system's that has
  // yet to write it. While it can still be told, it is waited for.
  bool MayBeUnwritten(const Allocation& allocation) const;
  // It turns to another heap, or has ended.
  void Forget(Allocation& allocation);

 private:
  void OnFound(const AllocationPtr& allocation, const absl::StatusOr<PageInTheWay>& found);
  void AskForMappers(const AllocationPtr& allocation);
  void AskForPinners(const AllocationPtr& allocation);
  // Who pins the page that one which is given up failed at, as it is now.
  void LookOnceMore(const AllocationPtr& allocation);
  static void OnTold(Allocation& allocation);
  // Before another takes its place, or none.
  void Leave(const Allocation& allocation);

  PageWatch& pages_;
  const Callbacks callbacks_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_PAGE_INQUIRY_H_

#include "daemon/core/page_inquiry.h"

#include <utility>

namespace dmaheap {

void PageInquiry::OnFailed(const AllocationPtr& allocation, pid_t thread) {
  const HeapDescription& heap = allocation->heap->description();
  if (allocation->attempts_on_heap < kFirstAsked) return;
  // Others have no pages that could be in the way, or nobody can see them.
  if (heap.area.empty() || heap.contiguity != v1::PHYSICAL) return;
  if (allocation->last_failure < allocation->page.asked_at + kPatience) return;
  allocation->page.asked_at = allocation->last_failure;
  const std::weak_ptr<Allocation> waiting = allocation;
  allocation->page.watch = pages_.Watch(
      thread, allocation->page.watch,
      [this, waiting](absl::StatusOr<PageInTheWay> found) {
        if (const AllocationPtr still = waiting.lock()) OnFound(still, found);
      },
      [this, waiting] {
        if (const AllocationPtr still = waiting.lock()) callbacks_.on_released(still);
      });
}

void PageInquiry::Forget(Allocation& allocation) {
  pages_.Unwatch(allocation.page.watch);
  allocation.page = PinnedPage();
}

void PageInquiry::OnFound(const AllocationPtr& allocation,
                          const absl::StatusOr<PageInTheWay>& found) {
  PinnedPage& page = allocation->page;
  const absl::Time failure = std::exchange(page.asked_at, absl::InfinitePast());
  if (!found.ok()) {
    page = PinnedPage{.watch = page.watch};
    return;
  }
  if (page.frame != found->frame) {
    page = PinnedPage{.watch = page.watch, .first_seen = failure};
    page.frame = found->frame;
  }
  page.held_while_watched = page.watched && found->watched;
  page.watched = found->watched;
  page.last_seen = failure;
  if (page.StuckFor() >= kStuck && !std::exchange(page.asked_for_mappers, true)) {
    AskForMappers(allocation);
  }
  callbacks_.on_found(allocation);
}

void PageInquiry::AskForMappers(const AllocationPtr& allocation) {
  pages_.FindMappers(
      allocation->page.frame, [this, waiting = std::weak_ptr(allocation),
                               frame = allocation->page.frame](absl::StatusOr<PageMappers> found) {
        const AllocationPtr still = waiting.lock();
        if (still == nullptr || still->ended || still->page.frame != frame || !found.ok()) return;
        // Not all could be looked into, and none of those had it: the next failure asks again.
        if (!found->complete && found->processes.empty()) {
          still->page.asked_for_mappers = false;
          return;
        }
        still->page.mappers = *std::move(found);
        callbacks_.on_mappers(still);
      });
}

}  // namespace dmaheap

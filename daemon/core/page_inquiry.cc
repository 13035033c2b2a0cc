#include "daemon/core/page_inquiry.h"

#include <utility>

namespace dmaheap {
namespace {

// Others have no pages that could be in the way, or nobody can see them.
bool HasPages(const HeapDescription& heap) {
  return !heap.area.empty() && heap.contiguity == v1::PHYSICAL;
}

}  // namespace

void PageInquiry::OnFailed(const AllocationPtr& allocation, pid_t thread) {
  if (allocation->attempts_on_heap < PinnedPage::kFirstAsked) return;
  if (!HasPages(allocation->heap->description())) return;
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
  if (allocation->page.watch == 0) allocation->page.untold = true;
}

bool PageInquiry::MayBeUnwritten(const Allocation& allocation) const {
  if (!HasPages(allocation.heap->description())) return false;
  const PinnedPage& page = allocation.page;
  if (page.frame != 0) return page.of_filesystem.value_or(true);
  if (page.untold || !pages_.asks()) return true;
  return page.asked_at != absl::InfinitePast() &&
         allocation.last_failure >= page.asked_at + kPatience;
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
    page.untold = true;
    return;
  }
  page.Met(*found, failure);
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

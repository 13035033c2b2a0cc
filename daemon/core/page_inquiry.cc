#include "daemon/core/page_inquiry.h"

#include <utility>

#include "heaps/simulated_heap.h"

namespace dmaheap {
namespace {

// Others have no pages that could be in the way, or nobody can see them.
bool HasPages(const HeapDescription& heap) {
  return !heap.area.empty() && heap.contiguity == v1::PHYSICAL;
}

// Who pins a page is looked for so long: for one that fails for good, whose time box is 50 ms, and
// for one that is stuck.
constexpr absl::Duration kShortBox = absl::Milliseconds(30);
constexpr absl::Duration kLongBox = absl::Milliseconds(150);

}  // namespace

void PageInquiry::Note(Allocation& allocation) {
  const auto refused = FailedAttempt(allocation.last_error);
  if (!refused.has_value()) return;
  if (refused->cause == SimulatedArea::Cause::kPinned) {
    allocation.page.Met({.frame = static_cast<uint64_t>(refused->blocking_pfn)},
                        allocation.last_failure);
  } else {
    allocation.page = PinnedPage();
  }
}

void PageInquiry::OnFailed(const AllocationPtr& allocation, pid_t thread) {
  // One that is given up has no later failure to ask after.
  if (allocation->attempts_on_heap < PinnedPage::kFirstAsked && !allocation->giving_up) return;
  if (!HasPages(allocation->heap->description())) return;
  if (allocation->last_failure < allocation->page.asked_at + kPatience) return;
  // It was told already, and is why nothing more is tried.
  if (allocation->last_failure == allocation->page.told_of) return LookOnceMore(allocation);
  allocation->page.asked_at = allocation->last_failure;
  allocation->page_awaited = true;
  const std::weak_ptr<Allocation> waiting = allocation;
  allocation->page.watch = pages_.Watch(
      thread, allocation->page.watch,
      [this, waiting](absl::StatusOr<PageInTheWay> found) {
        if (const AllocationPtr still = waiting.lock()) OnFound(still, found);
      },
      [this, waiting] {
        if (const AllocationPtr still = waiting.lock()) callbacks_.on_released(still);
      });
  if (allocation->page.watch == 0) {
    allocation->page.untold = true;
    OnTold(*allocation);
  }
}

bool PageInquiry::MayBeUnwritten(const Allocation& allocation) const {
  if (!HasPages(allocation.heap->description())) return false;
  const PinnedPage& page = allocation.page;
  if (page.frame != 0) return page.of_filesystem.value_or(true);
  if (page.untold || !pages_.asks()) return true;
  return page.asked_at != absl::InfinitePast() &&
         allocation.last_failure >= page.asked_at + kPatience;
}

void PageInquiry::LookOnceMore(const AllocationPtr& allocation) {
  const PinnedPage& page = allocation->page;
  if (!allocation->giving_up || page.frame == 0) return;
  if (page.pinners_found >= allocation->last_failure) return;
  allocation->page_awaited = true;
  AskForPinners(allocation);
}

void PageInquiry::Leave(const Allocation& allocation) {
  if (allocation.page.pinners.has_value()) callbacks_.on_left(allocation);
}

void PageInquiry::Forget(Allocation& allocation) {
  Leave(allocation);
  pages_.Unwatch(allocation.page.watch);
  allocation.page = PinnedPage();
  OnTold(allocation);
}

void PageInquiry::OnTold(Allocation& allocation) {
  allocation.page_awaited = false;
  if (auto told = std::exchange(allocation.on_page_told, nullptr)) told();
}

void PageInquiry::OnFound(const AllocationPtr& allocation,
                          const absl::StatusOr<PageInTheWay>& found) {
  PinnedPage& page = allocation->page;
  const absl::Time failure = std::exchange(page.asked_at, absl::InfinitePast());
  if (!found.ok() || found->frame != page.frame) Leave(*allocation);
  if (!found.ok() || found->frame == 0) {
    page = PinnedPage{.watch = page.watch};
    page.untold = true;
    if (found.ok()) page.told = *found;
    page.told_of = failure;
    return OnTold(*allocation);
  }
  page.Met(*found, failure);
  page.told_of = failure;
  // One that is given up has no later failure after which to ask.
  if (allocation->giving_up && !page.pinners.has_value()) return AskForPinners(allocation);
  OnTold(*allocation);
  if (page.StuckFor() >= kStuck && !std::exchange(page.asked_for_mappers, true)) {
    AskForMappers(allocation);
  }
  // Of one that is not watched yet the kernel tells no references.
  if (page.StuckFor() >= kStuck && page.watched && !std::exchange(page.asked_for_pinners, true)) {
    AskForPinners(allocation);
  }
  callbacks_.on_found(allocation);
}

void PageInquiry::AskForPinners(const AllocationPtr& allocation) {
  pages_.FindPinners(
      allocation->page.frame, allocation->giving_up ? kShortBox : kLongBox,
      [waiting = std::weak_ptr(allocation),
       frame = allocation->page.frame](absl::StatusOr<PagePinners> found) {
        const AllocationPtr still = waiting.lock();
        if (still == nullptr || still->ended || still->page.frame != frame) return;
        if (found.ok()) {
          // Not all could be looked into, and none of those had it: the next failure asks again.
          if (!found->complete && found->pipe_holders.empty() && found->transferers.empty()) {
            still->page.asked_for_pinners = false;
          }
          still->page.pinners = *std::move(found);
          still->page.pinners_found = still->last_failure;
        }
        if (still->giving_up) OnTold(*still);
      });
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

#include "daemon/core/unwatched_check.h"

#include <algorithm>

#include "daemon/limits.h"

namespace dmaheap {

void UnwatchedCheck::Check() {
  if (busy_ || unwatched_.empty()) return;
  busy_ = true;
  const absl::Duration since = executor_.Now() - last_look_;
  if (since >= kMinReconcileInterval) return Look();
  executor_.After(kMinReconcileInterval - since, [self = self_] {
    if (*self != nullptr) (*self)->Look();
  });
}

void UnwatchedCheck::Look() {
  last_look_ = executor_.Now();
  lister_.List([self = self_](absl::StatusOr<BufferListing> listing) {
    if (*self != nullptr) (*self)->OnListing(listing);
  });
}

void UnwatchedCheck::OnListing(const absl::StatusOr<BufferListing>& listing) {
  busy_ = false;
  // Without a look nothing is known: what is charged stays charged.
  if (!listing.ok()) return;
  const std::vector<BufferKey> gone = unwatched_.Judge(*listing);
  if (!gone.empty()) on_gone_(gone);
  if (unwatched_.undecided()) Check();
}

}  // namespace dmaheap

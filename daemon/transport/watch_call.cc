#include "daemon/transport/watch_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/core/allocation_view.h"
#include "daemon/limits.h"
#include "proto/error.h"
#include "proto/grpc_status.h"

namespace dmaheap {

void WatchCall::Refuse(const absl::Status& status) {
  if (!std::exchange(ended_, true)) Finish(ToGrpcStatus(status));
}

bool WatchCall::Wants(const Allocation& allocation) const {
  if (!filter_.request_id.has_value()) return true;
  return allocation.request.principal.uid == filter_.uid &&
         allocation.request.request_id == *filter_.request_id;
}

void WatchCall::Start(WatchFilter filter) {
  // The caller may have gone before this task.
  if (ended_) return;
  filter_ = std::move(filter);
  auto watch = allocator_.watches().Add(
      filter_.uid,
      {.on_change = [this](const Allocation& allocation) { Take(allocation); },
       .on_drain =
           [this] { End(Error(ErrorReason::SHUTTING_DOWN, "the daemon is shutting down")); }});
  if (!watch.ok()) return End(watch.status());
  watch_ = *watch;
  for (const auto& [id, allocation] : allocator_.allocations()) Take(*allocation);
}

void WatchCall::Take(const Allocation& allocation) {
  if (ended_ || last_ || !Wants(allocation)) return;
  pending_[allocation.id] = ToProto(allocator_, allocation, filter_.onlooker);
  last_ = filter_.request_id.has_value() && allocation.state == Allocation::State::kEnded;
  // Those under way are bounded by their lines, those that ended by nothing else.
  if (pending_.size() > allocator_.allocations().size() + kMaxUnreadEnds) {
    return End(Error(ErrorReason::OVERLOADED,
                     absl::StrCat("more than ", kMaxUnreadEnds,
                                  " requests ended that the reader of this watch has not read of; "
                                  "watch again, and read faster"))
                   .RetryAfter(kOverloadRetryAfter));
  }
  if (!writing_) WriteNext();
}

void WatchCall::WriteNext() {
  if (ended_) return;
  if (pending_.empty()) {
    if (last_) End(absl::OkStatus());
    return;
  }
  // In turn: one that changes faster than it is read would keep back all after it.
  auto next = pending_.upper_bound(written_);
  if (next == pending_.end()) next = pending_.begin();
  written_ = next->first;
  current_ = std::move(next->second);
  pending_.erase(next);
  writing_ = true;
  StartWrite(&current_);
}

void WatchCall::OnWriteDone(bool ok) {
  executor_.Post([this, ok] {
    writing_ = false;
    if (ok) {
      WriteNext();
    } else {
      End(absl::CancelledError("the caller is gone"));
    }
  });
}

void WatchCall::OnCancel() {
  executor_.Post([this] { End(absl::CancelledError("the caller ended the watch")); });
}

void WatchCall::End(const absl::Status& status) {
  if (std::exchange(ended_, true)) return;
  pending_.clear();
  if (watch_.has_value()) allocator_.watches().Remove(*watch_);
  watch_.reset();
  Finish(ToGrpcStatus(status));
}

void WatchCall::OnDone() {
  // After the last task that may touch it.
  executor_.Post([this] {
    if (watch_.has_value()) allocator_.watches().Remove(*watch_);
    delete this;
  });
}

}  // namespace dmaheap

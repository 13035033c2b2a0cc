// Asks what became of the unwatched buffers, when somebody wants the books to be right.
//
// A look at the whole machine is expensive, so there is one at a time, at most one in
// kMinReconcileInterval, and none when nothing is unwatched. Inside tasks of the executor only.

#ifndef DAEMON_CORE_UNWATCHED_CHECK_H_
#define DAEMON_CORE_UNWATCHED_CHECK_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "daemon/core/buffer_lister.h"
#include "daemon/core/unwatched.h"
#include "daemon/loop/executor.h"
#include "heaps/buffer.h"

namespace dmaheap {

class UnwatchedCheck {
 public:
  // on_gone is called as a task with every buffer that is gone.
  UnwatchedCheck(Executor& executor, BufferLister& lister,
                 absl::AnyInvocable<void(const std::vector<BufferKey>&)> on_gone)
      : executor_(executor), lister_(lister), on_gone_(std::move(on_gone)) {}
  ~UnwatchedCheck() { *self_ = nullptr; }

  void Add(const BufferKey& key) { unwatched_.Add(key); }
  bool empty() const { return unwatched_.empty(); }
  v1::AccountingSource source() const { return unwatched_.source(); }

  // Looks now or as soon as it may, and again for as long as a buffer is undecided.
  void Check();

 private:
  void Look();
  void OnListing(const absl::StatusOr<BufferListing>& listing);

  Executor& executor_;
  BufferLister& lister_;
  absl::AnyInvocable<void(const std::vector<BufferKey>&)> on_gone_;
  Unwatched unwatched_;
  // A look is under way or timed.
  bool busy_ = false;
  absl::Time last_look_ = absl::InfinitePast();
  // Answers and timers that outlive this find it empty.
  std::shared_ptr<UnwatchedCheck*> self_ = std::make_shared<UnwatchedCheck*>(this);
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_UNWATCHED_CHECK_H_

// Brings the ledger to the kernel's view: takes the buffers whose memory is gone out of the books.
//
// The view is read on a worker, never inside a task. Callers that come while a reading has not
// begun share it; a reading that had begun before the call could miss what the caller waits for, so
// another follows. Inside tasks of the executor only.

#ifndef DAEMON_CORE_RECONCILER_H_
#define DAEMON_CORE_RECONCILER_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "daemon/core/live_view.h"
#include "daemon/core/worker.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class Reconciler {
 public:
  // on_gone is called as a task with every buffer that is gone.
  Reconciler(Executor& executor, Worker& worker, LiveView& view,
             absl::AnyInvocable<void(const std::vector<BufferKey>&)> on_gone);
  ~Reconciler();

  // Calls done as a task after a reading that began after this call.
  void Reconcile(Task done);

  // The same, but a reading within the last kMinReconcileInterval is good enough: for lists.
  void ReconcileIfStale(Task done);

  // For hints: a reading at once, or kMinReconcileInterval after the last one began. No hint is
  // lost, and many cost one reading.
  void ReconcileSoon();

  // Takes what events told of. Costs nothing.
  void TakeSignalled();

  // Reconciles a few times, soon and later, for references that end asynchronously. Called again
  // meanwhile, it begins to count anew.
  void Settle();

 private:
  void Begin();
  void SettleOnce();

  Executor& executor_;
  Worker& worker_;
  LiveView& view_;
  absl::AnyInvocable<void(const std::vector<BufferKey>&)> on_gone_;
  bool reading_ = false;
  // Readings to come; 0: nothing settles.
  int settles_left_ = 0;
  // A reading is timed for a hint.
  bool soon_ = false;
  absl::Time last_begin_ = absl::InfinitePast();
  // Wait for the next reading to begin, and for the one under way to end.
  std::vector<Task> next_;
  std::vector<Task> current_;
  // Tasks of a worker or timer that outlive this find it empty.
  std::shared_ptr<Reconciler*> self_ = std::make_shared<Reconciler*>(this);
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_RECONCILER_H_

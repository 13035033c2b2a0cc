// Gets buffers from heaps: lines up requests, lets one attempt of an area run at a time, and after
// a failed one does what the request's policy decides.
//
//   Begin      gets in line
//   Pump       gives the lane's worker the next attempt
//   Attempted  got all: OnGot. Failed: waits on a timer, holding no thread and no place in line;
//              or turns to another heap; or OnGaveUp
//   Leave      ends it at any moment; an attempt under way comes back late, and what it brings
//              serves the next that wants the same, or is closed
//
// Inside tasks of the executor only, and calls back inside tasks.

#ifndef DAEMON_CORE_ENGINE_H_
#define DAEMON_CORE_ENGINE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/config/effective_policy.h"
#include "daemon/core/allocation.h"
#include "daemon/core/barrier.h"
#include "daemon/core/filesystem_sync.h"
#include "daemon/core/lane.h"
#include "daemon/core/live_view.h"
#include "daemon/core/page_inquiry.h"
#include "daemon/core/retry_decision.h"
#include "daemon/core/sync_remedy.h"
#include "daemon/loop/executor.h"
#include "daemon/telemetry/heap_counters.h"
#include "heaps/heap.h"

namespace dmaheap {

class Engine {
 public:
  using AllocationPtr = std::shared_ptr<Allocation>;

  class Client {
   public:
    virtual ~Client() = default;
    // In force now; asked anew for each decision, so that a reload reaches requests that wait.
    virtual const EffectivePolicy& policy() const = 0;
    // What happens with the heap is added to these.
    virtual HeapCounters& CountersOf(const Heap& heap) = 0;
    // All buffers of the request are in allocation->buffers.
    virtual void OnGot(const AllocationPtr& allocation) = 0;
    // Nothing more is tried for it; whoever is told ends it, at once or soon.
    virtual void OnGaveUp(const AllocationPtr& allocation, GiveUp::Reason reason) = 0;
    // The heap that a fallback names, if the request may have its buffers from there.
    virtual Heap* FallbackHeap(const Allocation& allocation, const std::string& name) = 0;
    // An attempt failed for want of memory, the first of its request: a heap with books of its own
    // may be full of what clients have closed.
    virtual void OnFirstFailure(const Allocation& allocation) = 0;
    // An attempt failed, and the heap has no room for it: who can give some back may.
    virtual void OnLacksRoom(const Allocation& allocation) = 0;
    // An attempt failed for want of memory, after several: it may fail for good.
    virtual void OnKeepsFailing(const AllocationPtr& allocation) = 0;
    // The page in its way, whose pinners are known, is not in its way any more.
    virtual void OnPageLeft(const Allocation& allocation) = 0;
    // Its policy has clients asked to give memory back.
    virtual void OnAskClients(Allocation& allocation) = 0;
    // Buffers were closed that nobody wanted.
    virtual void OnClosed() = 0;
    // State, attempts or the next attempt of a request changed.
    virtual void OnProgress(const Allocation& allocation) = 0;
    // The last attempt under way came back.
    virtual void OnIdle() = 0;
  };

  // All but the workers outlive the engine.
  struct Dependencies {
    Executor& executor;
    LiveView& live_view;
    WorkerFactory make_worker;
    // Uniform in [0, 1).
    std::function<double()> random;
    Barrier& barrier;
    PageWatch& pages;
    // The names of its cgroups, in its order.
    std::vector<std::string> barrier_cgroups;
    FilesystemSync& filesystems;
  };
  Engine(Dependencies dependencies, Client& client);
  ~Engine();

  // False if the line of allocation->heap is full. Else it counts until Leave.
  bool Admit(Allocation& allocation);
  // Of an admitted one, whose heap, priority and retry_policy are set.
  void Begin(const AllocationPtr& allocation);
  // Nothing more is tried for it.
  void Leave(const AllocationPtr& allocation);

  // Memory of this heap came back: who waits for that need not wait longer.
  void OnReleased(const Heap& heap);

  // The next request of the heap, in line or backing off, that wanted says yes to: it is in neither
  // any more. Whoever took it may put buffers into it, and lets it go on with Resume: to its end if
  // that were all it lacked, else back into line. nullptr: there is none.
  using Wanted = absl::FunctionRef<bool(const AllocationPtr&)>;
  AllocationPtr TakeWaiting(const Heap& heap, Wanted wanted);
  void Resume(const AllocationPtr& allocation);

  bool idle() const { return running_ == 0; }
  // Requests of the heap's lane that are not finished.
  size_t Depth(const Heap& heap) const { return lanes_.Depth(heap); }
  // nullptr if the heap was never used.
  const Lane* FindLane(const Heap& heap) const { return lanes_.Find(heap); }

  // Joins the workers; their last tasks are still posted.
  void Stop() { lanes_.Stop(); }

 private:
  // What may be tried before the next attempt.
  struct Remedies {
    bool barrier = false;
    bool sync = false;
  };

  HeapCounters& CountersOf(const Allocation& allocation) {
    return client_.CountersOf(*allocation.heap);
  }
  void Enqueue(const AllocationPtr& allocation, absl::Time now);
  void Pump(Lane& lane);
  void StartAttempt(const AllocationPtr& allocation);
  void Attempted(const AllocationPtr& allocation, std::vector<Buffer> buffers, absl::Status status,
                 absl::Duration took, pid_t thread);
  void Failed(const AllocationPtr& allocation, absl::Duration took);
  void GiveUpOn(const AllocationPtr& allocation, GiveUp::Reason reason);
  void AskForPage(const AllocationPtr& allocation);
  void Decide(const AllocationPtr& allocation, Remedies remedies);
  void RaiseBarrier(const AllocationPtr& allocation, const BarrierUse& use);
  void OnFrozen(const AllocationPtr& allocation, const absl::Status& status);
  // Where the policy's cgroup stands in barrier_cgroups; absent: this daemon may not freeze it.
  absl::optional<int> CgroupOf(const RetryPolicy& policy) const;
  void AwaitSync(const AllocationPtr& allocation, const SyncUse& use, absl::Duration box,
                 Remedies remedies);
  void OnSynced(const AllocationPtr& allocation, const absl::Status& status);
  // Not before its time, which an event may bring earlier than its backoff.
  void RetrySoon(const AllocationPtr& allocation, absl::Time soonest);
  void BackOff(const AllocationPtr& allocation, absl::Duration delay);
  void WaitToRetry(const AllocationPtr& allocation, absl::Duration delay);
  void StopWaiting(const AllocationPtr& allocation);
  // More is known of the page in its way: the decision is made anew.
  void Reconsider(const AllocationPtr& allocation);
  void OnPageReleased(const AllocationPtr& allocation);
  void TurnTo(const AllocationPtr& allocation, const std::string& fallback);
  void OfferLate(const AllocationPtr& allocation);

  Executor& executor_;
  LiveView& live_view_;
  const std::function<double()> random_;
  Barrier& barrier_;
  const std::vector<std::string> barrier_cgroups_;
  Client& client_;
  Lanes lanes_;
  PageInquiry pages_;
  int running_ = 0;
  SyncRemedy syncs_;
  // Answers of the barrier that outlive this find it empty.
  std::shared_ptr<Engine*> self_ = std::make_shared<Engine*>(this);
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_ENGINE_H_

// The way of an allocation: access -> ledger -> line -> heap -> delivery, and its one end.
//
//   Allocate   checks who asks and what; reserves slots and quota; gets in line
//   Pump       gives the lane's worker the next attempt
//   Attempted  a failed attempt waits for its next one on a timer, holding no thread
//   Deliver    records the buffers, then sends the fds, then answers
//   End        once: timers, line, answer, one event
//
// What was reserved ends with the Allocation object, which a worker may hold longer than the caller
// waits: what is charged is never less than what exists. Inside tasks of the executor only, and
// calls back inside tasks.

#ifndef DAEMON_CORE_ALLOCATOR_H_
#define DAEMON_CORE_ALLOCATOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/config/effective_policy.h"
#include "daemon/core/allocation.h"
#include "daemon/core/books.h"
#include "daemon/core/buffer_lister.h"
#include "daemon/core/failure.h"
#include "daemon/core/fd_store.h"
#include "daemon/core/journal.h"
#include "daemon/core/lane.h"
#include "daemon/core/live_view.h"
#include "daemon/core/reconciler.h"
#include "daemon/core/replay_cache.h"
#include "daemon/core/request.h"
#include "daemon/core/unwatched_check.h"
#include "daemon/loop/executor.h"
#include "daemon/telemetry/allocation_event.h"
#include "heaps/registry.h"

namespace dmaheap {

class Allocator {
 public:
  // All outlive the allocator, but for the workers, which it owns.
  struct Dependencies {
    Executor& executor;
    const HeapRegistry& heaps;
    LiveView& live_view;
    FdStore& fd_store;
    Journal& journal;
    BufferLister& lister;
    EventSink& events;
    WorkerFactory make_worker;
    // Uniform in [0, 1), for jitter.
    std::function<double()> random;
  };

  Allocator(Dependencies dependencies, std::shared_ptr<const EffectivePolicy> policy);
  // No task of the executor may run any more, but for those that its workers post.
  ~Allocator();

  // Takes up what an earlier broker left. Before the first call.
  RestoreReport Restore(Inventory inventory);

  // Calls done exactly once, perhaps before it returns.
  CallId Allocate(AllocateRequest request, AllocateDone done);
  // The caller went away: done is called with CANCELLED. Nothing happens after the end.
  void Cancel(CallId call);

  // Delivers a held buffer. Calls done exactly once.
  struct ClaimRequest {
    BufferKey key;
    std::string token;
    // Names the frame on the fd channel, for the client to know it by. Empty: that of the
    // allocation.
    std::string request_id;
    Principal principal;
    std::shared_ptr<Recipient> recipient;
  };
  using ClaimDone = absl::AnyInvocable<void(absl::StatusOr<v1::ClaimBufferResponse>)>;
  void Claim(ClaimRequest request, ClaimDone done);

  // Frees a held buffer, for its owner or for who has the token; for a delivered one of the
  // principal's, asks the kernel. BUFFER_NOT_FOUND.
  absl::Status Release(const Principal& principal, const BufferKey& key, absl::string_view token);

  // A session ended: what it waits for is cancelled, what it got is orphaned.
  void OnClientGone(uint64_t client_id);
  // The live view has an event, or a client says that it closed something.
  void OnSignal() { reconciler_.TakeSignalled(); }
  void OnReleaseHint();

  // For requests from now on, and for the next decision of those that wait.
  void SetPolicy(std::shared_ptr<const EffectivePolicy> policy) { policy_ = std::move(policy); }
  const EffectivePolicy& policy() const { return *policy_; }

  // No new request is taken; those in line end with SHUTTING_DOWN; done is called when the last
  // attempt came back.
  void Drain(Task done);

  // For lists.
  Reconciler& reconciler() { return reconciler_; }
  const BufferTable& table() const { return books_.table(); }
  const Ledger& ledger() const { return books_.ledger(); }
  const HeapRegistry& heaps() const { return dependencies_.heaps; }
  // What the books rest on.
  v1::AccountingSource accounting() const { return unwatched_.source(); }
  size_t QueueDepth(const Heap& heap) const { return lanes_.Depth(heap); }
  // ACCESS_DENIED if the principal may neither allocate nor hold there.
  absl::Status CheckAccess(const Principal& principal, const Heap& heap, bool hold) const;

 private:
  using AllocationPtr = std::shared_ptr<Allocation>;

  absl::Status Prepare(Allocation& allocation);
  void Admit(const AllocationPtr& allocation, bool reconciled);
  void Pump(Lane& lane);
  void StartAttempt(const AllocationPtr& allocation);
  void Attempted(const AllocationPtr& allocation, std::vector<Buffer> buffers, absl::Status status);
  void Deliver(const AllocationPtr& allocation);
  absl::Status DeliverHeld(Allocation& allocation, v1::AllocateBuffersResponse& response);
  absl::Status DeliverToSession(Allocation& allocation, v1::AllocateBuffersResponse& response);
  LiveBuffer& Record(Allocation& allocation, const Buffer& buffer);
  void CloseBuffers(Allocation& allocation);
  void End(const AllocationPtr& allocation, absl::StatusOr<v1::AllocateBuffersResponse> response);
  FailureFacts FactsOf(const Allocation& allocation) const;
  void FinishClaim(ClaimRequest request, ClaimDone done, bool reconciled);
  void CheckDrained();

  Dependencies dependencies_;
  std::shared_ptr<const EffectivePolicy> policy_;
  Books books_;
  ReplayCache replays_;
  uint64_t next_call_ = 1;
  int64_t next_batch_ = 1;
  absl::flat_hash_map<CallId, AllocationPtr> calls_;
  // Not ended, by uid and request_id.
  std::map<std::pair<uint32_t, std::string>, AllocationPtr> under_way_;
  bool draining_ = false;
  int attempts_running_ = 0;
  Task drained_;
  std::unique_ptr<Worker> view_worker_;
  UnwatchedCheck unwatched_;
  Reconciler reconciler_;
  Lanes lanes_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_ALLOCATOR_H_

// The way of an allocation: access -> ledger -> line -> heap -> delivery, and its one end.
//
//   Allocate   checks who asks and what; reserves slots and quota; hands over to the engine
//   OnGot      records the buffers, then sends the fds, then answers
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
#include "daemon/core/admission.h"
#include "daemon/core/allocation.h"
#include "daemon/core/area_inspector.h"
#include "daemon/core/books.h"
#include "daemon/core/buffer_lister.h"
#include "daemon/core/client_asks.h"
#include "daemon/core/diagnoser.h"
#include "daemon/core/engine.h"
#include "daemon/core/failure.h"
#include "daemon/core/fd_store.h"
#include "daemon/core/journal.h"
#include "daemon/core/live_view.h"
#include "daemon/core/page_watch.h"
#include "daemon/core/pinner_costs.h"
#include "daemon/core/reconciler.h"
#include "daemon/core/replay_cache.h"
#include "daemon/core/request.h"
#include "daemon/core/reserve.h"
#include "daemon/core/unwatched_check.h"
#include "daemon/core/watch_list.h"
#include "daemon/diagnosis/sources.h"
#include "daemon/loop/executor.h"
#include "daemon/telemetry/allocation_event.h"
#include "daemon/telemetry/heap_counters.h"
#include "heaps/registry.h"

namespace dmaheap {

class Allocator : private Engine::Client {
 public:
  using AllocationPtr = std::shared_ptr<Allocation>;

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
    Barrier& barrier;
    PageWatch& pages;
    AreaInspector& areas;
    // What the prober was found to see; grows as it answers.
    const SourceErrors& sources;
    // The names of its cgroups, in its order.
    std::vector<std::string> barrier_cgroups = {};
    FilesystemSync& filesystems;
    AskClient ask_client = [](uint64_t, const v1::GiveBack&) { return false; };
  };

  Allocator(Dependencies dependencies, std::shared_ptr<const EffectivePolicy> policy);
  // No task of the executor may run any more, but for those that its workers post.
  ~Allocator() override;

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

  // The reservation of that uid: RESERVATION_NOT_FOUND. See allocator.proto.
  absl::StatusOr<v1::Reservation> GetReservation(uint32_t uid, uint64_t id);
  // recipient may be nullptr.
  absl::StatusOr<v1::Reservation> KeepReservation(uint32_t uid, uint64_t id,
                                                  const Recipient* recipient);
  absl::Status DeleteReservation(uint32_t uid, uint64_t id);

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
  const EffectivePolicy& policy() const override { return *policy_; }

  // Who hears of every request whose state changes.
  WatchList& watches() { return watches_; }

  // No new request is taken; those in line end with SHUTTING_DOWN; done is called when the last
  // attempt came back.
  void Drain(Task done);

  // For lists.
  // Under way, by id.
  const std::map<uint64_t, AllocationPtr>& allocations() const { return allocations_; }
  absl::Time Now() const { return dependencies_.executor.Now(); }
  Reconciler& reconciler() { return reconciler_; }
  const BufferTable& table() const { return books_.table(); }
  const Ledger& ledger() const { return books_.ledger(); }
  const HeapRegistry& heaps() const { return dependencies_.heaps; }
  // What the books rest on.
  v1::AccountingSource accounting() const { return unwatched_.source(); }
  size_t QueueDepth(const Heap& heap) const { return engine_.Depth(heap); }

  // For metrics: what happened since the start.
  HeapCounters counters(const Heap& heap) const;
  // Of the heap's area.
  DurationHistogram pin_lifetimes(const Heap& heap) const;
  const DrawCounts& draws() const { return reserve_.draws(); }
  // Allocations and claims that a quota refused.
  int64_t quota_rejections() const { return quota_rejections_; }
  // Allocations and claims whose fds, or some of them, a session did not take.
  int64_t fd_push_failures() const { return fd_push_failures_; }

  const Diagnoser& diagnoser() const { return diagnoser_; }
  const PinnerCosts& pinner_costs() const { return pinner_costs_; }
  // What tells of failures on heaps of the kernel.
  SourceErrors sources() const;
  const Reserve::Reservations& reservations() const { return reserve_.reservations(); }
  absl::Status CheckAccess(const Principal& principal, const Heap& heap, MemoryRight right) const {
    return dmaheap::CheckAccess(*policy_, dependencies_.heaps, principal, heap, right);
  }

 private:
  void OnGot(const AllocationPtr& allocation) override;
  void OnGaveUp(const AllocationPtr& allocation, GiveUp::Reason reason) override;
  Heap* FallbackHeap(const Allocation& allocation, const std::string& name) override;
  void OnFirstFailure(const Allocation& allocation) override;
  void OnLacksRoom(const Allocation& allocation) override;
  void OnKeepsFailing(const AllocationPtr& allocation) override { diagnoser_.OnFailed(allocation); }
  void OnPageLeft(const Allocation& allocation) override;
  void OnAskClients(Allocation& allocation) override;
  HeapCounters& CountersOf(const Heap& heap) override { return counters_[&heap]; }
  void OnClosed() override;
  void OnProgress(const Allocation& allocation) override { watches_.Change(allocation); }
  void OnIdle() override;

  void Count(const Allocation& allocation, absl::Duration took);
  absl::Status CheckReservation(Allocation& allocation);
  void Admit(const AllocationPtr& allocation, bool reconciled);
  absl::Status LineFull(const Allocation& allocation) const;
  void Refill(uint64_t reservation);
  void StopRefill(uint64_t reservation);
  void ServeDraws(uint64_t reservation);
  void OnGone(const std::vector<BufferKey>& gone);
  absl::Status HandOver(Allocation& allocation, v1::AllocateBuffersResponse& response);
  absl::Status Book(Allocation& allocation, v1::AllocateBuffersResponse& response);
  absl::Status AddToReservation(Allocation& allocation, uint64_t id,
                                v1::AllocateBuffersResponse& response);
  absl::Duration LeaseOf(const AllocateRequest& request) const;
  absl::Status DeliverHeld(Allocation& allocation, v1::AllocateBuffersResponse& response);
  absl::Status DeliverToSession(Allocation& allocation, v1::AllocateBuffersResponse& response);
  LiveBuffer& Record(Allocation& allocation, const Buffer& buffer);
  void End(const AllocationPtr& allocation, absl::StatusOr<v1::AllocateBuffersResponse> response);
  // What the caller is told, with a diagnosis that is kept.
  using FailureWords = std::function<absl::Status(const FailureFacts&)>;
  absl::Status Explain(const Allocation& allocation, const FailureWords& words);
  void FinishClaim(ClaimRequest request, ClaimDone done, bool reconciled);

  Dependencies dependencies_;
  std::shared_ptr<const EffectivePolicy> policy_;
  Books books_;
  ReplayCache replays_;
  uint64_t next_call_ = 1;
  uint64_t next_allocation_ = 1;
  int64_t next_batch_ = 1;
  absl::flat_hash_map<CallId, AllocationPtr> calls_;
  std::map<uint64_t, AllocationPtr> allocations_;
  WatchList watches_;
  // Not ended, by uid and request_id.
  std::map<std::pair<uint32_t, std::string>, AllocationPtr> under_way_;
  bool draining_ = false;
  Task drained_;
  // Nodes stay where they are: who is in the middle of an event may hold one.
  std::map<const Heap*, HeapCounters> counters_;
  PinnerCosts pinner_costs_;
  int64_t quota_rejections_ = 0;
  int64_t fd_push_failures_ = 0;
  std::unique_ptr<Worker> view_worker_;
  UnwatchedCheck unwatched_;
  Diagnoser diagnoser_;
  Reconciler reconciler_;
  Engine engine_;
  Reserve reserve_;
  ClientAsks client_asks_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_ALLOCATOR_H_

#include "daemon/core/allocator.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/core/delivery.h"
#include "daemon/core/obstacle.h"
#include "daemon/core/proto_time.h"
#include "daemon/core/secret.h"
#include "daemon/limits.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

Error ShuttingDown() {
  return Error(ErrorReason::SHUTTING_DOWN,
               "the daemon is shutting down; connect again when it is back")
      .RetryAfter(absl::Seconds(1));
}

// Of the queue: 0 to kPriorities - 1.
int LevelOf(v1::Priority priority) { return static_cast<int>(priority) - 1; }

}  // namespace

Allocator::Allocator(Dependencies dependencies, std::shared_ptr<const EffectivePolicy> policy)
    : dependencies_(std::move(dependencies)),
      policy_(std::move(policy)),
      // An expired buffer leaves the books when the kernel says so, which a reading finds out.
      books_(dependencies_.executor, dependencies_.heaps, dependencies_.fd_store,
             dependencies_.journal, [this](const BufferKey&) { reconciler_.Settle(); }),
      replays_(kReplayUids, kReplaysPerUid),
      view_worker_(dependencies_.make_worker(1, "live-view")),
      unwatched_(dependencies_.executor, dependencies_.lister,
                 [this](const std::vector<BufferKey>& gone) { OnGone(gone); }),
      reconciler_(dependencies_.executor, *view_worker_, dependencies_.live_view,
                  [this](const std::vector<BufferKey>& gone) {
                    OnGone(gone);
                    unwatched_.Check();
                  }),
      engine_({.executor = dependencies_.executor,
               .live_view = dependencies_.live_view,
               .make_worker = dependencies_.make_worker,
               .random = dependencies_.random,
               .barrier = dependencies_.barrier,
               .pages = dependencies_.pages,
               .barrier_cgroups = dependencies_.barrier_cgroups},
              *this) {}

Allocator::~Allocator() {
  // Tasks that the workers still post may use everything else.
  engine_.Stop();
  view_worker_.reset();
}

RestoreReport Allocator::Restore(Inventory inventory) {
  RestoreReport report = books_.Restore(std::move(inventory));
  for (const BufferKey& key : report.unwatched) unwatched_.Add(key);
  unwatched_.Check();
  return report;
}

absl::Status Allocator::CheckAccess(const Principal& principal, const Heap& heap, bool hold) const {
  const Rights rights = policy_->RightsOf(principal, dependencies_.heaps.NamesOf(heap));
  if (hold ? rights.hold : rights.allocate) return absl::OkStatus();
  const std::vector<int> rules = policy_->RulesOf(principal);
  const char* right = hold ? "HOLD" : "ALLOCATE";
  return Error(ErrorReason::ACCESS_DENIED,
               absl::StrCat("uid ", principal.uid, " may not ", right, " on heap ",
                            heap.description().name, ": ",
                            rules.empty() ? "no access rule of the policy is for this uid"
                                          : absl::StrCat("the access rules that are for this uid (",
                                                         absl::StrJoin(rules, ", "),
                                                         ", counted from 0) do not give it"),
                            ". The operator's policy file decides."))
      .With("uid", principal.uid)
      .With("right", right)
      .With("heap", heap.description().name)
      .With("rules", absl::StrJoin(rules, ","));
}

CallId Allocator::Allocate(AllocateRequest request, AllocateDone done) {
  const CallId call = next_call_++;
  auto allocation = std::make_shared<Allocation>();
  allocation->id = next_allocation_++;
  allocation->start = dependencies_.executor.Now();
  allocation->request = std::move(request);
  const AllocateRequest& asked = allocation->request;

  const std::pair key(asked.principal.uid, asked.request_id);
  if (asked.repeatable && !asked.validate_only) {
    allocation->fingerprint = asked.Fingerprint();
    if (const auto same = under_way_.find(key); same != under_way_.end()) {
      if (same->second->request.Fingerprint() != allocation->fingerprint) {
        done(RequestIdReused(asked.request_id));
        return call;
      }
      calls_[call] = same->second;
      same->second->calls.emplace_back(call, std::move(done));
      return call;
    }
    auto answer = replays_.Find(key.first, key.second, allocation->fingerprint);
    if (!answer.ok()) {
      done(answer.status());
      return call;
    }
    // An answer is worth nothing to who repeats when all its buffers are gone, or went to a session
    // that ended: start anew.
    if (answer->has_value() &&
        std::any_of((*answer)->buffers().begin(), (*answer)->buffers().end(),
                    [this](const v1::Buffer& buffer) {
                      const auto parsed = ParseBufferName("name", buffer.name());
                      const LiveBuffer* record = parsed.ok() ? books_.Find(*parsed) : nullptr;
                      return record != nullptr && record->state != v1::Buffer::ORPHANED;
                    })) {
      done(**std::move(answer));
      return call;
    }
  }

  allocation->calls.emplace_back(call, std::move(done));
  calls_[call] = allocation;
  // A check alone has nothing that a repeat could share.
  if (!asked.validate_only) {
    under_way_[key] = allocation;
    allocations_[allocation->id] = allocation;
  }
  if (absl::Status status = Prepare(*allocation); !status.ok()) {
    End(allocation, status);
    return call;
  }
  Admit(allocation, /*reconciled=*/false);
  return call;
}

// Everything that can be refused without reserving anything.
absl::Status Allocator::Prepare(Allocation& allocation) {
  const AllocateRequest& request = allocation.request;
  if (draining_) return ShuttingDown();
  absl::StatusOr<Heap*> heap = dependencies_.heaps.Find(request.heap);
  if (!heap.ok()) return heap.status();
  allocation.heap = *heap;
  if (absl::Status status = CheckAccess(request.principal, **heap, request.hold); !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckChoice(allocation); !status.ok()) return status;
  const HeapDescription& description = (*heap)->description();
  const int64_t page = description.page_size_bytes;
  int64_t total = 0;
  if (__builtin_add_overflow(request.size_bytes, page - 1, &allocation.rounded_bytes) ||
      __builtin_mul_overflow(allocation.rounded_bytes / page * page, request.count, &total)) {
    const std::string problem = absl::StrCat(request.count, " x ", request.size_bytes,
                                             " bytes is more than a 64-bit number holds");
    return Error(ErrorReason::INVALID_SIZE, absl::StrCat("size_bytes: ", problem))
        .Field("size_bytes", problem);
  }
  allocation.rounded_bytes = allocation.rounded_bytes / page * page;
  if (description.size_bytes.has_value() && total > *description.size_bytes) {
    return Error(ErrorReason::SIZE_EXCEEDS_HEAP,
                 absl::StrCat(
                     "size_bytes: ", request.count, " x ", allocation.rounded_bytes,
                     " bytes is more than heap ", description.name, " can ever hold: it has ",
                     *description.size_bytes, " bytes. Ask for less, or for a larger area (",
                     "for a CMA heap: the cma= boot parameter or the reserved-memory node)."))
        .With("heap", description.name)
        .With("size_bytes", request.size_bytes)
        .With("count", request.count)
        .With("heap_size_bytes", *description.size_bytes);
  }
  return absl::OkStatus();
}

// The retry policy and the priority: the request chooses below its user's ceiling.
absl::Status Allocator::CheckChoice(Allocation& allocation) const {
  const AllocateRequest& request = allocation.request;
  const std::vector<std::string> names = dependencies_.heaps.NamesOf(*allocation.heap);
  const Ceiling ceiling = policy_->CeilingOf(request.principal, names);
  if (!request.retry_policy.empty() && policy_->FindRetryPolicy(request.retry_policy) == nullptr) {
    const std::string problem =
        absl::StrCat("there is no retry policy ", request.retry_policy, "; there are ",
                     absl::StrJoin(policy_->retry_policy_names(), ", "));
    return Error(ErrorReason::INVALID_RETRY_POLICY, absl::StrCat("retry_policy: ", problem))
        .Field("retry_policy", problem);
  }
  allocation.retry_policy = request.retry_policy.empty()
                                ? policy_->DefaultRetryPolicyOf(request.heap, names).name
                                : request.retry_policy;
  // What the operator gave the heap itself, nobody chose.
  const bool chosen =
      allocation.retry_policy !=
      policy_->DefaultRetryPolicyOf(allocation.heap->description().name, names).name;
  if (chosen && !ceiling.Allows(allocation.retry_policy)) {
    return Error(ErrorReason::ACCESS_DENIED,
                 absl::StrCat("uid ", request.principal.uid, " may not have heap ", request.heap,
                              " by the retry policy ", allocation.retry_policy,
                              ": no access rule that is for it gives that. Choose another "
                              "retry_policy; the operator's policy file decides."))
        .With("uid", request.principal.uid)
        .With("heap", request.heap)
        .With("retry_policy", allocation.retry_policy);
  }
  const int most = static_cast<int>(ceiling.max_priority);
  if (request.priority != v1::PRIORITY_UNSPECIFIED && LevelOf(request.priority) > most) {
    return Error(ErrorReason::ACCESS_DENIED,
                 absl::StrCat("uid ", request.principal.uid, " may not ask heap ", request.heap,
                              " with priority ", v1::Priority_Name(request.priority), ", at most ",
                              v1::Priority_Name(static_cast<v1::Priority>(most + 1)),
                              "; the operator's policy file decides."))
        .With("uid", request.principal.uid)
        .With("heap", request.heap)
        .With("priority", v1::Priority_Name(request.priority));
  }
  allocation.priority = request.priority != v1::PRIORITY_UNSPECIFIED
                            ? LevelOf(request.priority)
                            : std::min(LevelOf(v1::NORMAL), most);
  return absl::OkStatus();
}

// Reserves what the request needs and gets it in line.
void Allocator::Admit(const AllocationPtr& allocation, bool reconciled) {
  if (allocation->ended) return;
  const AllocateRequest& request = allocation->request;
  if (request.deadline <= dependencies_.executor.Now()) {
    return End(allocation, ExplainDeadline(FactsOf(*allocation)));
  }
  absl::StatusOr<Charge> charge = books_.ledger().Reserve(
      request.principal.uid, {allocation->rounded_bytes * request.count, request.count},
      policy_->QuotaOf(request.principal));
  if (!charge.ok()) {
    // The ledger may charge for what is gone already: the kernel is asked before a refusal.
    if (!reconciled) {
      reconciler_.Reconcile([this, allocation] { Admit(allocation, /*reconciled=*/true); });
      return;
    }
    return End(allocation, charge.status());
  }
  allocation->charge = *std::move(charge);
  if (request.validate_only) return End(allocation, v1::AllocateBuffersResponse());

  if (!request.hold) {
    if (!request.recipient->alive()) {
      return End(allocation,
                 Error(ErrorReason::SESSION_UNKNOWN, "the session ended; connect again"));
    }
    if (absl::Status status = request.recipient->ReserveSlots(request.count); !status.ok()) {
      return End(allocation, status);
    }
    allocation->slots = SlotReservation(request.recipient, request.count);
  }

  if (!engine_.Admit(*allocation)) {
    const size_t depth = engine_.Depth(*allocation->heap);
    return End(allocation,
               Error(ErrorReason::OVERLOADED,
                     absl::StrCat("the line of heap ", allocation->heap->description().name,
                                  " is full: ", depth, " requests of at most ", kMaxQueuePerHeap,
                                  ", at most ", kMaxQueuePerUid,
                                  " of one uid. Try again, after a little random delay."))
                   .With("heap", allocation->heap->description().name)
                   .With("queue_depth", depth)
                   .RetryAfter(kOverloadRetryAfter));
  }
  if (request.deadline != absl::InfiniteFuture()) {
    allocation->deadline_timer = dependencies_.executor.After(
        request.deadline - dependencies_.executor.Now(), [this, allocation] {
          allocation->deadline_timer = 0;
          End(allocation, ExplainDeadline(FactsOf(*allocation)));
        });
  }
  engine_.Begin(allocation);
}

void Allocator::OnGaveUp(const AllocationPtr& allocation, GiveUp::Reason reason) {
  End(allocation, ExplainFailure(FactsOf(*allocation), reason));
}

Heap* Allocator::FallbackHeap(const Allocation& allocation, const std::string& name) {
  const AllocateRequest& request = allocation.request;
  const absl::StatusOr<Heap*> heap = dependencies_.heaps.Find(name);
  if (!heap.ok() || !CheckAccess(request.principal, **heap, request.hold).ok()) return nullptr;
  return *heap;
}

absl::StatusOr<Allocator::WatchId> Allocator::Watch(uint32_t uid, Watcher watcher) {
  const auto of_uid = std::count_if(watches_.begin(), watches_.end(),
                                    [uid](const auto& watch) { return watch.second.uid == uid; });
  if (of_uid >= static_cast<int64_t>(kMaxWatchesPerUid)) {
    return Error(ErrorReason::OVERLOADED,
                 absl::StrCat("uid ", uid, " has ", of_uid, " watches of at most ",
                              kMaxWatchesPerUid, "; end one, then try again"))
        .RetryAfter(kOverloadRetryAfter);
  }
  watches_[next_watch_] = {uid, std::make_shared<Watcher>(std::move(watcher))};
  return next_watch_++;
}

void Allocator::OnProgress(const Allocation& allocation) {
  // Whoever is called may end its watch.
  for (auto it = watches_.begin(); it != watches_.end();) {
    const std::shared_ptr<Watcher> watcher = (it++)->second.watcher;
    watcher->on_change(allocation);
  }
}

void Allocator::OnFirstFailure(const Allocation& allocation) {
  // A heap with books of its own, or a waiter, may not know yet of what was released. Where the
  // kernel says that there is room, a reading would only take the processor from the next attempt.
  const HeapUsage& usage = allocation.usage_at_failure;
  const bool known = usage.free_bytes.has_value() || usage.largest_free_bytes.has_value();
  if (known && !LacksRoom(usage, allocation.rounded_bytes)) return;
  reconciler_.Reconcile([] {});
}

void Allocator::OnGone(const std::vector<BufferKey>& gone) {
  std::set<const Heap*> released;
  for (const BufferKey& key : gone) {
    const LiveBuffer* record = books_.Find(key);
    if (record == nullptr) continue;
    if (const auto heap = dependencies_.heaps.Find(record->heap); heap.ok()) released.insert(*heap);
  }
  books_.TakeOut(gone);
  for (const Heap* heap : released) engine_.OnReleased(*heap);
}

LiveBuffer& Allocator::Record(Allocation& allocation, const Buffer& buffer) {
  LiveBuffer record;
  record.key = buffer.key;
  record.heap = allocation.heap->description().name;
  record.size_bytes = buffer.size_bytes;
  record.contiguity = buffer.contiguity;
  record.label = allocation.request.label;
  record.request_id = allocation.request.request_id;
  record.create_time = dependencies_.executor.WallTime();
  record.charge = allocation.charge.SplitBuffer(buffer.size_bytes);
  return books_.Enter(std::move(record));
}

void Allocator::OnGot(const AllocationPtr& allocation) {
  v1::AllocateBuffersResponse response;
  response.set_attempts(allocation->attempts);
  *response.mutable_duration() = ToProtoDuration(dependencies_.executor.Now() - allocation->start);
  const absl::Status status = allocation->request.hold ? DeliverHeld(*allocation, response)
                                                       : DeliverToSession(*allocation, response);
  // Whatever was not taken over is closed here; its record ends when the kernel says so.
  allocation->buffers.clear();
  if (!status.ok()) {
    reconciler_.Settle();
    return End(allocation, status);
  }
  if (allocation->request.repeatable) {
    replays_.Remember(allocation->request.principal.uid, allocation->request.request_id,
                      std::move(allocation->fingerprint), response);
  }
  End(allocation, std::move(response));
}

absl::Status Allocator::DeliverHeld(Allocation& allocation, v1::AllocateBuffersResponse& response) {
  const LeaseLimits& leases = policy_->leases();
  const absl::Duration lease =
      std::min(allocation.request.lease.value_or(leases.default_lease), leases.max_lease);
  response.set_claim_token(NewSecret());
  std::vector<BufferKey> held;
  absl::Status status;
  for (Buffer& buffer : allocation.buffers) {
    LiveBuffer& record = Record(allocation, buffer);
    status = books_.Hold(record, std::move(buffer.fd), response.claim_token(), lease);
    if (!status.ok()) break;
    *response.add_buffers() = ToProto(record);
    held.push_back(buffer.key);
  }
  if (status.ok()) return status;
  for (const BufferKey& key : held) books_.holds().End(key);  // all or nothing
  return Error(ErrorReason::INTERNAL_ERROR,
               absl::StrCat("the keeper does not take the held buffers: ", status.message()));
}

absl::Status Allocator::DeliverToSession(Allocation& allocation,
                                         v1::AllocateBuffersResponse& response) {
  Recipient& recipient = *allocation.request.recipient;
  response.set_batch_id(next_batch_++);
  for (const Buffer& buffer : allocation.buffers) {
    LiveBuffer& record = Record(allocation, buffer);
    record.state = v1::Buffer::DELIVERED;
    record.client_id = recipient.client_id();
    *response.add_buffers() = ToProto(record);
  }
  const PushResult pushed =
      PushBatch(recipient, response.batch_id(), allocation.request.request_id, allocation.buffers);
  allocation.slots.Use(pushed.fds);
  return pushed.status;
}

// What nobody got is closed. A heap with books of its own hears of it by a reading, as of every
// end.
void Allocator::OnClosed() {
  reconciler_.Reconcile([] {});
}

void Allocator::End(const AllocationPtr& allocation,
                    absl::StatusOr<v1::AllocateBuffersResponse> response) {
  if (allocation->ended) return;
  allocation->ended = true;
  const AllocateRequest& request = allocation->request;
  dependencies_.executor.Cancel(allocation->deadline_timer);
  engine_.Leave(allocation);
  // Buffers of earlier attempts are closed before the answer; those of a running one when it is
  // back.
  if (!allocation->buffers.empty()) {
    allocation->buffers.clear();
    OnClosed();
  }
  const auto same = under_way_.find({request.principal.uid, request.request_id});
  if (same != under_way_.end() && same->second == allocation) under_way_.erase(same);
  allocation->outcome = response.status();
  if (allocations_.erase(allocation->id) > 0) OnProgress(*allocation);

  AllocationEvent event;
  event.outcome = response.status();
  event.request_id = request.request_id;
  event.heap = allocation->heap != nullptr ? allocation->heap->description().name : request.heap;
  event.uid = request.principal.uid;
  event.size_bytes = request.size_bytes;
  event.count = request.count;
  event.attempts = allocation->attempts;
  event.duration = dependencies_.executor.Now() - allocation->start;

  auto calls = std::exchange(allocation->calls, {});
  for (const auto& [call, done] : calls) calls_.erase(call);
  // The last one, nearly always the only one, gets it without a copy.
  for (size_t i = 0; i + 1 < calls.size(); ++i) calls[i].second(response);
  if (!calls.empty()) calls.back().second(std::move(response));
  dependencies_.events.OnAllocation(event);
}

void Allocator::Cancel(CallId call) {
  const auto it = calls_.find(call);
  if (it == calls_.end()) return;
  const AllocationPtr allocation = it->second;
  const absl::Status cancelled =
      Error(ErrorReason::REQUEST_CANCELLED, "the caller cancelled the request");
  if (allocation->calls.size() == 1) return End(allocation, cancelled);
  // Others wait for the same allocation.
  const auto entry = std::find_if(allocation->calls.begin(), allocation->calls.end(),
                                  [call](const auto& waiting) { return waiting.first == call; });
  AllocateDone done = std::move(entry->second);
  allocation->calls.erase(entry);
  calls_.erase(it);
  done(cancelled);
}

void Allocator::Claim(ClaimRequest request, ClaimDone done) {
  FinishClaim(std::move(request), std::move(done), /*reconciled=*/false);
}

void Allocator::FinishClaim(ClaimRequest request, ClaimDone done, bool reconciled) {
  if (draining_) return done(ShuttingDown());
  absl::StatusOr<int> fd = books_.holds().Borrow(request.key, request.token);
  if (!fd.ok()) return done(fd.status());
  LiveBuffer* record = books_.Find(request.key);
  if (record == nullptr) {
    return done(Error(ErrorReason::INTERNAL_ERROR, "a held buffer has no record"));
  }
  if (absl::StatusOr<Heap*> heap = dependencies_.heaps.Find(record->heap); heap.ok()) {
    if (absl::Status status = CheckAccess(request.principal, **heap, /*hold=*/false);
        !status.ok()) {
      return done(status);
    }
  }
  if (!request.recipient->alive()) {
    return done(Error(ErrorReason::SESSION_UNKNOWN, "the session ended; connect again"));
  }
  if (absl::Status status = request.recipient->ReserveSlots(1); !status.ok()) return done(status);
  SlotReservation slot(request.recipient, 1);

  const uint32_t owner = record->charge.uid();
  absl::Status transferred = books_.ledger().Transfer(record->charge, request.principal.uid,
                                                      policy_->QuotaOf(request.principal));
  if (!transferred.ok()) {
    if (reconciled) return done(transferred);
    reconciler_.Reconcile([this, request = std::move(request), done = std::move(done)]() mutable {
      FinishClaim(std::move(request), std::move(done), /*reconciled=*/true);
    });
    return;
  }

  v1::ClaimBufferResponse response;
  response.set_batch_id(next_batch_++);
  const PushResult pushed =
      PushOne(*request.recipient, response.batch_id(),
              request.request_id.empty() ? record->request_id : request.request_id, *record, *fd);
  if (!pushed.status.ok()) {
    // Still held, still its owner's: a claim that failed changes nothing.
    books_.ledger().Transfer(record->charge, owner, QuotaLimits()).IgnoreError();
    return done(pushed.status);
  }
  slot.Use(1);
  books_.Deliver(*record, request.recipient->client_id());
  *response.mutable_buffer() = ToProto(*record);
  done(std::move(response));
}

absl::Status Allocator::Release(const Principal& principal, const BufferKey& key,
                                absl::string_view token) {
  LiveBuffer* record = books_.Find(key);
  const bool own = record != nullptr && record->charge.uid() == principal.uid;
  if (record != nullptr && record->state == v1::Buffer::HELD && books_.holds().Has(key)) {
    if (!own || !token.empty()) {
      if (absl::Status status = books_.holds().Borrow(key, token).status(); !status.ok())
        return status;
    }
    books_.holds().End(key);
    reconciler_.Settle();
    return absl::OkStatus();
  }
  if (own) {
    OnReleaseHint();
    return absl::OkStatus();
  }
  if (!token.empty()) {
    // Perhaps the lease ended: that has an answer of its own.
    if (absl::Status status = books_.holds().Borrow(key, token).status(); !status.ok())
      return status;
  }
  const std::string name = absl::StrCat("buffers/", key.ToString());
  return Error(ErrorReason::BUFFER_NOT_FOUND,
               absl::StrCat("uid ", principal.uid, " has no buffer ", name,
                            "; ListBuffers tells which there are"))
      .With("buffer", name);
}

void Allocator::OnReleaseHint() {
  reconciler_.TakeSignalled();
  reconciler_.ReconcileSoon();
}

void Allocator::OnClientGone(uint64_t client_id) {
  std::vector<AllocationPtr> waiting;
  for (const auto& [key, allocation] : under_way_) {
    const auto& recipient = allocation->request.recipient;
    if (recipient != nullptr && recipient->client_id() == client_id) waiting.push_back(allocation);
  }
  for (const AllocationPtr& allocation : waiting) {
    End(allocation, Error(ErrorReason::REQUEST_CANCELLED,
                          "the session of this request ended before its buffers were there"));
  }
  if (books_.OrphanClient(client_id) > 0) reconciler_.Settle();
}

FailureFacts Allocator::FactsOf(const Allocation& allocation) const {
  FailureFacts facts;
  facts.heap = allocation.heap->description().name;
  facts.size_bytes = allocation.rounded_bytes;
  facts.count = allocation.request.count;
  facts.allocated = static_cast<int>(allocation.buffers.size());
  facts.attempts = allocation.attempts;
  facts.elapsed = dependencies_.executor.Now() - allocation.start;
  facts.last_error = allocation.last_error;
  facts.retry_policy = allocation.retry_policy;
  facts.stuck_for = allocation.page.StuckFor();
  if (allocation.page.mappers.has_value()) facts.mapped_by = ToText(*allocation.page.mappers);
  facts.usage = allocation.heap->Usage();
  return facts;
}

void Allocator::Drain(Task done) {
  draining_ = true;
  drained_ = std::move(done);
  std::vector<AllocationPtr> waiting;
  for (const auto& [key, allocation] : under_way_) waiting.push_back(allocation);
  for (const AllocationPtr& allocation : waiting) End(allocation, ShuttingDown());
  for (auto it = watches_.begin(); it != watches_.end();) {
    const std::shared_ptr<Watcher> watcher = (it++)->second.watcher;
    watcher->on_drain();
  }
  OnIdle();
}

void Allocator::OnIdle() {
  if (drained_ != nullptr && engine_.idle()) std::exchange(drained_, nullptr)();
}

}  // namespace dmaheap

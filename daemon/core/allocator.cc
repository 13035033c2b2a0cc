#include "daemon/core/allocator.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/core/admission.h"
#include "daemon/core/delivery.h"
#include "daemon/core/diagnosis_record.h"
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
      diagnoser_(dependencies_.executor, dependencies_.areas, dependencies_.heaps, books_.table(),
                 books_.trends()),
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
               .barrier_cgroups = dependencies_.barrier_cgroups,
               .filesystems = dependencies_.filesystems},
              *this),
      reserve_(dependencies_.executor, books_, dependencies_.fd_store, dependencies_.journal,
               {.on_wanted = [this](uint64_t id) { Refill(id); },
                .on_ended = [this](uint64_t id) { StopRefill(id); },
                .on_closed = [this] { OnClosed(); }}),
      client_asks_(dependencies_.executor, books_.table(), dependencies_.ask_client) {}

Allocator::~Allocator() {
  // Tasks that the workers still post may use everything else.
  engine_.Stop();
  view_worker_.reset();
}

RestoreReport Allocator::Restore(Inventory inventory) {
  std::vector<ReservationRecord> reservations = inventory.reservations;
  RestoreReport report = books_.Restore(std::move(inventory));
  report.reservations = static_cast<int>(reservations.size());
  report.ready = static_cast<int>(report.ready_buffers.size());
  reserve_.Restore(std::move(reservations), std::exchange(report.ready_buffers, {}));
  for (const BufferKey& key : report.unwatched) unwatched_.Add(key);
  unwatched_.Check();
  return report;
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
  absl::Status status = draining_ ? ShuttingDown().ToStatus() : CheckReservation(*allocation);
  if (status.ok()) status = CheckAdmission(*policy_, dependencies_.heaps, *allocation);
  if (!status.ok()) {
    End(allocation, status);
    return call;
  }
  Admit(allocation, /*reconciled=*/false);
  return call;
}

// What a draw leaves open is as its reservation has it.
absl::Status Allocator::CheckReservation(Allocation& allocation) {
  AllocateRequest& request = allocation.request;
  if (request.purpose == AllocateRequest::Purpose::kReserve) {
    return reserve_.CheckCount(request.principal.uid);
  }
  if (request.reservation == 0) return absl::OkStatus();
  const absl::StatusOr<const Reservation*> found =
      reserve_.Get(request.reservation, request.principal.uid);
  if (!found.ok()) return found.status();
  return FillDraw((*found)->record, dependencies_.heaps, request);
}

// Reserves what the request needs and gets it in line.
void Allocator::Admit(const AllocationPtr& allocation, bool reconciled) {
  if (allocation->ended) return;
  const AllocateRequest& request = allocation->request;
  if (request.deadline <= dependencies_.executor.Now()) {
    return End(allocation, Explain(*allocation, ExplainDeadline));
  }
  // What is ready is charged already.
  const Reservation* const reservation = reserve_.Find(request.reservation, request.principal.uid);
  const int ready = reservation == nullptr
                        ? 0
                        : std::min<int>(request.count, static_cast<int>(reservation->ready.size()));
  const int missing = request.count - ready;
  absl::StatusOr<Charge> charge =
      books_.ledger().Reserve(request.principal.uid, {allocation->rounded_bytes * missing, missing},
                              policy_->QuotaOf(request.principal));
  if (!charge.ok()) {
    // The ledger may charge for what is gone already: the kernel is asked before a refusal.
    if (!reconciled) {
      reconciler_.Reconcile([this, allocation] { Admit(allocation, /*reconciled=*/true); });
      return;
    }
    if (!request.validate_only) ++quota_rejections_;
    return End(allocation, charge.status());
  }
  allocation->charge = *std::move(charge);
  if (request.validate_only) return End(allocation, v1::AllocateBuffersResponse());

  if (request.recipient != nullptr && !request.recipient->alive()) {
    return End(allocation, Error(ErrorReason::SESSION_UNKNOWN, "the session ended; connect again"));
  }
  if (request.purpose == AllocateRequest::Purpose::kDeliver) {
    if (absl::Status status = request.recipient->ReserveSlots(request.count); !status.ok()) {
      return End(allocation, status);
    }
    allocation->slots = SlotReservation(request.recipient, request.count);
  }

  if (missing > 0 && !engine_.Admit(*allocation)) return End(allocation, LineFull(*allocation));
  if (reservation != nullptr) {
    allocation->buffers = reserve_.Draw(request.reservation, request.count);
    reserve_.Count(request.reservation, ready, missing);
    reserve_.Keep(request.reservation, request.recipient->client_id());
    if (missing == 0) return OnGot(allocation);
  }
  if (request.deadline != absl::InfiniteFuture()) {
    allocation->deadline_timer = dependencies_.executor.After(
        request.deadline - dependencies_.executor.Now(), [this, allocation] {
          allocation->deadline_timer = 0;
          End(allocation, Explain(*allocation, ExplainDeadline));
        });
  }
  engine_.Begin(allocation);
}

absl::Status Allocator::LineFull(const Allocation& allocation) const {
  const size_t depth = engine_.Depth(*allocation.heap);
  return Error(ErrorReason::OVERLOADED,
               absl::StrCat("the line of heap ", allocation.heap->description().name,
                            " is full: ", depth, " requests of at most ", kMaxQueuePerHeap,
                            ", at most ", kMaxQueuePerUid,
                            " of one uid. Try again, after a little random delay."))
      .With("heap", allocation.heap->description().name)
      .With("queue_depth", depth)
      .RetryAfter(kOverloadRetryAfter);
}

// Makes one more buffer for a reservation, as its own request would.
void Allocator::Refill(uint64_t id) {
  const auto it = reserve_.reservations().find(id);
  if (draining_ || it == reserve_.reservations().end() || !Reserve::Wants(it->second)) return;
  // A draw that waits for more than was ready is about to make it.
  if (std::any_of(allocations_.begin(), allocations_.end(),
                  [id](const auto& other) { return other.second->request.reservation == id; })) {
    return;
  }
  const ReservationRecord& record = it->second.record;
  auto allocation = std::make_shared<Allocation>();
  allocation->id = next_allocation_++;
  allocation->start = dependencies_.executor.Now();
  AllocateRequest& request = allocation->request;
  request.purpose = AllocateRequest::Purpose::kRefill;
  request.heap = record.heap;
  request.size_bytes = record.size_bytes;
  request.label = record.label;
  request.request_id = NewSecret();
  request.reservation = id;
  request.principal.uid = record.uid;
  allocation->rounded_bytes = record.size_bytes;
  allocation->priority = record.priority;
  allocation->retry_policy = record.retry_policy;
  allocation->charge = reserve_.BeginRefill(id);
  under_way_[{record.uid, request.request_id}] = allocation;
  allocations_[allocation->id] = allocation;
  const absl::StatusOr<Heap*> heap = dependencies_.heaps.Find(record.heap);
  if (!heap.ok()) return End(allocation, heap.status());
  allocation->heap = *heap;
  if (!engine_.Admit(*allocation)) return End(allocation, LineFull(*allocation));
  engine_.Begin(allocation);
}

void Allocator::StopRefill(uint64_t reservation) {
  for (const auto& [id, allocation] : allocations_) {
    if (allocation->request.purpose != AllocateRequest::Purpose::kRefill ||
        allocation->request.reservation != reservation) {
      continue;
    }
    const AllocationPtr refill = allocation;
    return End(refill, Error(ErrorReason::REQUEST_CANCELLED, "its reservation ended"));
  }
}

// Draws that wait for more than was ready get what was made again meanwhile.
void Allocator::ServeDraws(uint64_t id) {
  for (;;) {
    const auto it = reserve_.reservations().find(id);
    if (it == reserve_.reservations().end() || it->second.ready.empty()) return;
    const absl::StatusOr<Heap*> heap = dependencies_.heaps.Find(it->second.record.heap);
    if (!heap.ok()) return;
    const AllocationPtr draw = engine_.TakeWaiting(**heap, [id](const AllocationPtr& other) {
      return other->request.reservation == id &&
             other->request.purpose == AllocateRequest::Purpose::kDeliver;
    });
    if (draw == nullptr) return;
    const int missing = draw->request.count - static_cast<int>(draw->buffers.size());
    for (Buffer& buffer : reserve_.Draw(id, missing)) draw->buffers.push_back(std::move(buffer));
    engine_.Resume(draw);
  }
}

void Allocator::OnGaveUp(const AllocationPtr& allocation, GiveUp::Reason reason) {
  diagnoser_.Prepare(allocation, [this, waiting = std::weak_ptr(allocation), reason] {
    const AllocationPtr still = waiting.lock();
    if (still == nullptr || still->ended) return;
    End(still, Explain(*still, [reason](const FailureFacts& facts) {
          return ExplainFailure(facts, reason);
        }));
  });
}

Heap* Allocator::FallbackHeap(const Allocation& allocation, const std::string& name) {
  const AllocateRequest& request = allocation.request;
  // A reservation has one heap.
  if (RightFor(request) == MemoryRight::kReserve) return nullptr;
  const absl::StatusOr<Heap*> heap = dependencies_.heaps.Find(name);
  if (!heap.ok() || !CheckAccess(request.principal, **heap, RightFor(request)).ok()) return nullptr;
  return *heap;
}

void Allocator::OnFirstFailure(const Allocation& allocation) {
  // A heap with books of its own, or a waiter, may not know yet of what was released. Where the
  // kernel says that there is room, a reading would only take the processor from the next attempt.
  const HeapUsage& usage = allocation.usage_at_failure;
  const bool known = usage.free_bytes.has_value() || usage.largest_free_bytes.has_value();
  if (known && !LacksRoom(usage, allocation.rounded_bytes)) return;
  reconciler_.Reconcile([] {});
}

void Allocator::OnLacksRoom(const Allocation& allocation) {
  const auto missing = allocation.request.count - static_cast<int64_t>(allocation.buffers.size());
  reserve_.GiveBack(allocation.heap->description().name, allocation.priority,
                    allocation.rounded_bytes * missing);
}

void Allocator::OnAskClients(Allocation& allocation) {
  const Heap* const before = allocation.asked_of;
  client_asks_.Ask(allocation, CountersOf(*allocation.heap).client_asks);
  // Of a heap that it turned away from since.
  if (before != nullptr && before != allocation.asked_of) {
    ++CountersOf(*before).client_asks.not_helped;
  }
}

void Allocator::OnGone(const std::vector<BufferKey>& gone) {
  std::set<const Heap*> released;
  for (const BufferKey& key : gone) {
    LiveBuffer* const record = books_.Find(key);
    if (record == nullptr) continue;
    reserve_.OnGone(*record);
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
  const absl::Status status = HandOver(*allocation, response);
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

absl::Status Allocator::HandOver(Allocation& allocation, v1::AllocateBuffersResponse& response) {
  switch (allocation.request.purpose) {
    case AllocateRequest::Purpose::kDeliver:
      return DeliverToSession(allocation, response);
    case AllocateRequest::Purpose::kHold:
      return DeliverHeld(allocation, response);
    case AllocateRequest::Purpose::kReserve:
      return Book(allocation, response);
    case AllocateRequest::Purpose::kRefill:
      return AddToReservation(allocation, allocation.request.reservation, response);
  }
  return absl::InternalError("a purpose that there is not");
}

absl::Status Allocator::Book(Allocation& allocation, v1::AllocateBuffersResponse& response) {
  const AllocateRequest& request = allocation.request;
  ReservationRecord record;
  record.id = reserve_.NewId();
  record.uid = request.principal.uid;
  record.heap = allocation.heap->description().name;
  record.size_bytes = allocation.rounded_bytes;
  record.count = request.count;
  record.label = request.label;
  record.priority = allocation.priority;
  record.retry_policy = allocation.retry_policy;
  record.refill_below = request.refill_below;
  record.lease = LeaseOf(request);
  record.create_time = dependencies_.executor.WallTime();
  const uint64_t id = record.id;
  reserve_.Book(std::move(record),
                request.recipient == nullptr ? 0 : request.recipient->client_id());
  absl::Status status = AddToReservation(allocation, id, response);
  if (!status.ok()) reserve_.Delete(id);  // all or nothing
  return status;
}

absl::Status Allocator::AddToReservation(Allocation& allocation, uint64_t id,
                                         v1::AllocateBuffersResponse& response) {
  for (Buffer& buffer : allocation.buffers) {
    LiveBuffer& record = Record(allocation, buffer);
    if (absl::Status status = reserve_.Add(id, std::move(buffer)); !status.ok()) {
      return Error(
          ErrorReason::INTERNAL_ERROR,
          absl::StrCat("the keeper does not take the reserved buffers: ", status.message()));
    }
    *response.add_buffers() = ToProto(record);
  }
  return absl::OkStatus();
}

absl::Duration Allocator::LeaseOf(const AllocateRequest& request) const {
  const LeaseLimits& leases = policy_->leases();
  return std::min(request.lease.value_or(leases.default_lease), leases.max_lease);
}

absl::Status Allocator::DeliverHeld(Allocation& allocation, v1::AllocateBuffersResponse& response) {
  const absl::Duration lease = LeaseOf(allocation.request);
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
    LiveBuffer* record = books_.Find(buffer.key);
    if (record != nullptr) {
      record->request_id = allocation.request.request_id;
      reserve_.OnGoesOut(*record, recipient.client_id());
      response.set_drawn(response.drawn() + 1);
    } else {
      record = &Record(allocation, buffer);
      record->state = v1::Buffer::DELIVERED;
      record->client_id = recipient.client_id();
      reserve_.Adopt(allocation.request.reservation, *record);
    }
    *response.add_buffers() = ToProto(*record);
  }
  const PushResult pushed =
      PushBatch(recipient, response.batch_id(), allocation.request.request_id, allocation.buffers);
  allocation.slots.Use(pushed.fds);
  if (!pushed.status.ok()) ++fd_push_failures_;
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
  reserve_.PutBack(allocation->buffers);
  if (!allocation->buffers.empty()) {
    allocation->buffers.clear();
    OnClosed();
  }
  const auto same = under_way_.find({request.principal.uid, request.request_id});
  if (same != under_way_.end() && same->second == allocation) under_way_.erase(same);
  allocation->outcome = response.status();
  if (allocation->asked_of != nullptr) {
    ClientAsks::OnEnd(*allocation, CountersOf(*allocation->asked_of).client_asks);
  }
  if (allocations_.erase(allocation->id) > 0) OnProgress(*allocation);

  if (request.purpose == AllocateRequest::Purpose::kRefill) {
    // What an attempt under way may still bring stays charged.
    Charge left = allocation->attempt_under_way ? Charge() : std::move(allocation->charge);
    reserve_.EndRefill(request.reservation, std::move(left), response.status());
  }

  AllocationEvent event;
  event.outcome = response.status();
  event.request_id = request.request_id;
  event.heap = allocation->heap != nullptr ? allocation->heap->description().name : request.heap;
  event.uid = request.principal.uid;
  event.size_bytes = request.size_bytes;
  event.count = request.count;
  event.attempts = allocation->attempts;
  event.duration = dependencies_.executor.Now() - allocation->start;
  Count(*allocation, event.duration);

  auto calls = std::exchange(allocation->calls, {});
  for (const auto& [call, done] : calls) calls_.erase(call);
  // The last one, nearly always the only one, gets it without a copy.
  for (size_t i = 0; i + 1 < calls.size(); ++i) calls[i].second(response);
  if (!calls.empty()) calls.back().second(std::move(response));
  dependencies_.events.OnAllocation(event);
  if (request.reservation == 0) return;
  if (request.purpose == AllocateRequest::Purpose::kRefill) {
    ServeDraws(request.reservation);
  } else {
    reserve_.Look(request.reservation);
  }
}

// Nobody asked for a refill; a check alone gets nothing; and a name that no heap has is no label.
void Allocator::Count(const Allocation& allocation, absl::Duration took) {
  const AllocateRequest& request = allocation.request;
  if (request.purpose == AllocateRequest::Purpose::kRefill || request.validate_only ||
      allocation.heap == nullptr) {
    return;
  }
  HeapCounters& counters = CountersOf(*allocation.heap);
  ++counters.allocations[AllocationOutcomeOf(allocation.outcome)];
  if (allocation.outcome.ok()) counters.allocation_duration.Add(took);
}

HeapCounters Allocator::counters(const Heap& heap) const {
  const auto it = counters_.find(&heap);
  return it == counters_.end() ? HeapCounters() : it->second;
}

DurationHistogram Allocator::pin_lifetimes(const Heap& heap) const {
  const Lane* lane = engine_.FindLane(heap);
  return lane == nullptr ? DurationHistogram() : lane->lifetimes.totals();
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
    if (absl::Status status = CheckAccess(request.principal, **heap, MemoryRight::kAllocate);
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
    if (reconciled) {
      ++quota_rejections_;
      return done(transferred);
    }
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
    ++fd_push_failures_;
    return done(pushed.status);
  }
  slot.Use(1);
  books_.Deliver(*record, request.recipient->client_id());
  *response.mutable_buffer() = ToProto(*record);
  done(std::move(response));
}

absl::StatusOr<v1::Reservation> Allocator::GetReservation(uint32_t uid, uint64_t id) {
  const auto found = reserve_.Get(id, uid);
  if (!found.ok()) return found.status();
  return ToProto(**found);
}

absl::StatusOr<v1::Reservation> Allocator::KeepReservation(uint32_t uid, uint64_t id,
                                                           const Recipient* recipient) {
  const auto found = reserve_.Get(id, uid);
  if (!found.ok()) return found.status();
  reserve_.Keep(id, recipient == nullptr ? 0 : recipient->client_id());
  return ToProto(**found);
}

absl::Status Allocator::DeleteReservation(uint32_t uid, uint64_t id) {
  if (const auto found = reserve_.Get(id, uid); !found.ok()) return found.status();
  reserve_.Delete(id);
  return absl::OkStatus();
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
  reserve_.OnClientGone(client_id);
  if (books_.OrphanClient(client_id) > 0) reconciler_.Settle();
}

void Allocator::OnPageLeft(const Allocation& allocation) {
  pinner_costs_.Add(*allocation.page.pinners,
                    dependencies_.executor.Now() - allocation.page.first_seen,
                    dependencies_.executor.WallTime());
}

SourceErrors Allocator::sources() const {
  SourceErrors errors = dependencies_.sources;
  errors[v1::EvidenceSource::HEAP_NUMBERS] = ENOENT;
  for (const Heap* heap : dependencies_.heaps.heaps()) {
    if (heap->description().contiguity == v1::PHYSICAL && heap->Usage().free_bytes.has_value()) {
      errors[v1::EvidenceSource::HEAP_NUMBERS] = 0;
    }
  }
  return errors;
}

absl::Status Allocator::Explain(const Allocation& allocation, const FailureWords& words) {
  FailureFacts facts;
  facts.allocated = static_cast<int>(allocation.buffers.size());
  facts.last_error = allocation.last_error;
  // One that only stood in line has nothing to be explained.
  if (allocation.last_error.ok()) {
    facts.diagnosis = DescribeRequest(allocation, dependencies_.executor.Now());
    return words(facts);
  }
  const bool inspects = policy_->RightsOf(allocation.request.principal, {}).inspect;
  return diagnoser_.Conclude(allocation, sources(), inspects, [&](const v1::Diagnosis& for_owner) {
    facts.diagnosis = for_owner;
    return words(facts);
  });
}

void Allocator::Drain(Task done) {
  draining_ = true;
  drained_ = std::move(done);
  std::vector<AllocationPtr> waiting;
  for (const auto& [key, allocation] : under_way_) waiting.push_back(allocation);
  for (const AllocationPtr& allocation : waiting) End(allocation, ShuttingDown());
  watches_.Drain();
  OnIdle();
}

void Allocator::OnIdle() {
  if (drained_ != nullptr && engine_.idle()) std::exchange(drained_, nullptr)();
}

}  // namespace dmaheap

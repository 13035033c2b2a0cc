#include "daemon/core/engine.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include "daemon/core/obstacle.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// What is missing of a request, one buffer after the other. On a worker.
struct Attempt {
  std::vector<Buffer> buffers;
  absl::Status status;
};

Attempt Try(Heap& heap, LiveView& view, const AllocationSpec& spec, int count,
            const std::atomic<bool>& abandoned) {
  Attempt attempt;
  for (int i = 0; i < count && !abandoned.load(std::memory_order_relaxed); ++i) {
    absl::StatusOr<Buffer> buffer = heap.Allocate(spec);
    if (!buffer.ok()) {
      attempt.status = buffer.status();
      return attempt;
    }
    // From here on the kernel tells when its memory is gone, whatever becomes of it.
    if (absl::Status status = view.Watch(*buffer); !status.ok()) {
      attempt.status = status;
      const BufferKey key = buffer->key;
      buffer->fd.Reset();
      heap.Release(key);
      return attempt;
    }
    attempt.buffers.push_back(*std::move(buffer));
  }
  return attempt;
}

// A policy that a reload took away leaves its requests to the default.
const RetryPolicy& PolicyOf(const EffectivePolicy& policy, const Allocation& allocation) {
  const RetryPolicy* found = policy.FindRetryPolicy(allocation.retry_policy);
  return found != nullptr ? *found : *policy.FindRetryPolicy(kDefaultPolicy);
}

int64_t& CountOf(AttemptCounts& counts, const absl::Status& status, bool ended) {
  if (ended) return counts.late;
  if (status.ok()) return counts.ok;
  return GetErrno(status) == ENOMEM ? counts.no_memory : counts.error;
}

int Missing(const Allocation& allocation) {
  return allocation.request.count - static_cast<int>(allocation.buffers.size());
}

}  // namespace

Engine::Engine(Dependencies dependencies, Client& client)
    : executor_(dependencies.executor),
      live_view_(dependencies.live_view),
      random_(std::move(dependencies.random)),
      barrier_(dependencies.barrier),
      barrier_cgroups_(std::move(dependencies.barrier_cgroups)),
      client_(client),
      lanes_(std::move(dependencies.make_worker)),
      pages_(
          dependencies.pages,
          {.on_found = [this](const AllocationPtr& allocation) { Reconsider(allocation); },
           .on_released = [this](const AllocationPtr& allocation) { OnPageReleased(allocation); },
           .on_mappers =
               [this](const AllocationPtr& allocation) { client_.OnProgress(*allocation); },
           .on_left = [this](const Allocation& allocation) { client_.OnPageLeft(allocation); }}),
      syncs_(executor_, dependencies.filesystems) {}

Engine::~Engine() { *self_ = nullptr; }

bool Engine::Admit(Allocation& allocation) {
  Lane& lane = lanes_.Of(*allocation.heap);
  if (!lane.queue.Admit(allocation.request.principal.uid)) return false;
  allocation.lane = &lane;
  return true;
}

void Engine::Begin(const AllocationPtr& allocation) {
  allocation->queued_since = executor_.Now();
  Enqueue(allocation, allocation->queued_since);
}

void Engine::Enqueue(const AllocationPtr& allocation, absl::Time now) {
  Lane& lane = *allocation->lane;
  allocation->in_line_since = now;
  allocation->state = Allocation::State::kInLine;
  lane.queue.Push(allocation->request.principal.uid, allocation->priority, allocation->queued_since,
                  allocation);
  client_.OnProgress(*allocation);
  Pump(lane);
}

void Engine::Pump(Lane& lane) {
  while (lane.running < lane.capacity) {
    const absl::Time now = executor_.Now();
    absl::optional<AllocationPtr> next = lane.queue.Pop(now);
    if (!next.has_value()) return;
    CountersOf(**next).queue_wait.Add(now - (*next)->in_line_since);
    StartAttempt(*next);
  }
}

void Engine::StartAttempt(const AllocationPtr& allocation) {
  ++allocation->lane->running;
  ++running_;
  ++allocation->attempts;
  ++allocation->attempts_on_heap;
  if (allocation->after_sync) ++allocation->attempts_after_sync;
  allocation->attempt_start = executor_.Now();
  if (allocation->attempts_on_heap == 1) allocation->first_attempt = allocation->attempt_start;
  allocation->attempt_under_way = true;
  allocation->state = Allocation::State::kAttempting;
  client_.OnProgress(*allocation);
  const AllocateRequest& request = allocation->request;
  allocation->lane->worker->Run(
      [this, allocation = AllocationPtr(allocation), missing = Missing(*allocation),
       behind_barrier = allocation->behind_barrier,
       spec = AllocationSpec{.size_bytes = request.size_bytes, .label = request.label}]() mutable {
        const absl::Time start = executor_.Now();
        Attempt attempt;
        const auto make = [&] {
          attempt = Try(*allocation->heap, live_view_, spec, missing, allocation->abandoned);
        };
        if (behind_barrier) {
          barrier_.Run(make);
        } else {
          make();
        }
        const absl::Duration took = executor_.Now() - start;
        // The worker keeps no reference: the last one gives charge and slots back, inside a task.
        executor_.Post([this, allocation = std::move(allocation), attempt = std::move(attempt),
                        took, thread = gettid()]() mutable {
          Attempted(allocation, std::move(attempt.buffers), std::move(attempt.status), took,
                    thread);
        });
      });
}

void Engine::Attempted(const AllocationPtr& allocation, std::vector<Buffer> buffers,
                       absl::Status status, absl::Duration took, pid_t thread) {
  Lane& lane = *allocation->lane;
  --lane.running;
  --running_;
  allocation->attempt_under_way = false;
  for (Buffer& buffer : buffers) allocation->buffers.push_back(std::move(buffer));
  // One whose request has ended may have stopped between two buffers: it proves no remedy.
  HeapCounters& counters = CountersOf(*allocation);
  ++CountOf(counters.attempts, status, allocation->ended);
  const bool behind_barrier = std::exchange(allocation->behind_barrier, false);
  if (behind_barrier) {
    barrier_.Thaw();
    if (!allocation->ended) ++(status.ok() ? counters.barriers.cured : counters.barriers.failed);
  }
  const bool after_sync = std::exchange(allocation->after_sync, false);
  if (after_sync && !allocation->ended) {
    ++(status.ok() ? counters.syncs.helped : counters.syncs.failed);
  }
  if (status.ok()) lane.share.OnServed(executor_.Now(), took, allocation->rounded_bytes);
  if (allocation->ended) {
    OfferLate(allocation);
  } else if (status.ok()) {
    if (allocation->attempts_on_heap > 1 && !behind_barrier && !after_sync) {
      lane.lifetimes.Add(allocation->last_failure - allocation->first_failure,
                         allocation->attempt_start - allocation->first_failure);
    }
    client_.OnGot(allocation);
  } else {
    allocation->last_error = std::move(status);
    allocation->last_thread = thread;
    Failed(allocation, took);
  }
  Pump(lane);
  if (idle()) client_.OnIdle();
}

void Engine::Failed(const AllocationPtr& allocation, absl::Duration took) {
  const absl::Time now = executor_.Now();
  const int error_number = GetErrno(allocation->last_error);
  if (allocation->attempts_on_heap == 1) allocation->first_failure = now;
  allocation->last_failure = now;
  allocation->usage_at_failure = allocation->heap->Usage();
  PageInquiry::Note(*allocation);
  if (allocation->attempts == 1 && error_number == ENOMEM) client_.OnFirstFailure(*allocation);

  allocation->not_before =
      now + allocation->lane->share.BookRetry(now, took, allocation->rounded_bytes);
  const bool has_room = !LacksRoom(allocation->usage_at_failure, allocation->rounded_bytes);
  if (error_number == ENOMEM && !has_room) client_.OnLacksRoom(*allocation);
  Decide(allocation, {.barrier = has_room, .sync = has_room});
  if (allocation->ended || allocation->giving_up || error_number != ENOMEM) return;
  AskForPage(allocation);
  if (allocation->attempts_on_heap >= PinnedPage::kFirstAsked) client_.OnKeepsFailing(allocation);
}

void Engine::AskForPage(const AllocationPtr& allocation) {
  if (!LacksRoom(allocation->usage_at_failure, allocation->rounded_bytes)) {
    pages_.OnFailed(allocation, allocation->last_thread);
  } else {
    pages_.Forget(*allocation);
  }
}

void Engine::GiveUpOn(const AllocationPtr& allocation, GiveUp::Reason reason) {
  allocation->giving_up = true;
  if (GetErrno(allocation->last_error) == ENOMEM) AskForPage(allocation);
  client_.OnGaveUp(allocation, reason);
}

void Engine::Decide(const AllocationPtr& allocation, Remedies remedies) {
  const absl::Time now = executor_.Now();
  const RetryPolicy& policy = PolicyOf(client_.policy(), *allocation);
  AttemptHistory history;
  history.attempts = allocation->attempts_on_heap;
  history.error_number = GetErrno(allocation->last_error);
  history.elapsed = now - allocation->start;
  history.failing = now - allocation->first_failure;
  history.remaining = allocation->request.deadline - now;
  history.fallbacks = allocation->fallbacks;
  AreaSnapshot area;
  area.learned_delay = allocation->lane->lifetimes.MedianRest(history.failing);
  area.least_delay = std::max(allocation->not_before - now, absl::ZeroDuration());
  area.stuck_for = allocation->page.StuckFor();
  area.pages_change = allocation->page.Changes();
  area.watch_begun = allocation->page.watched && !allocation->page.held_while_watched;
  // A policy that counts its attempts is one that was written for its waits.
  area.page_watched = allocation->page.held_while_watched && !policy.max_attempts.has_value();
  area.barrier_ready = remedies.barrier && CgroupOf(policy).has_value();
  area.sync_ready = remedies.sync && pages_.MayBeUnwritten(*allocation);
  area.lacks_room = LacksRoom(allocation->usage_at_failure, allocation->rounded_bytes);
  const RetryDecision decision = DecideRetry(policy, history, area, random_());
  if (const auto* retry = std::get_if<RetryAfter>(&decision)) {
    if (retry->ask_clients) client_.OnAskClients(*allocation);
    WaitToRetry(allocation, retry->delay);
  } else if (std::holds_alternative<BehindBarrier>(decision)) {
    RaiseBarrier(allocation, *policy.barrier);
  } else if (const auto* sync = std::get_if<SyncFirst>(&decision)) {
    AwaitSync(allocation, *policy.sync, sync->box, remedies);
  } else if (const auto* fall_back = std::get_if<FallBack>(&decision)) {
    TurnTo(allocation, fall_back->heap);
  } else {
    GiveUpOn(allocation, std::get<GiveUp>(decision).reason);
  }
}

absl::optional<int> Engine::CgroupOf(const RetryPolicy& policy) const {
  if (!policy.barrier.has_value()) return absl::nullopt;
  const auto it =
      std::find(barrier_cgroups_.begin(), barrier_cgroups_.end(), policy.barrier->cgroup);
  if (it == barrier_cgroups_.end()) return absl::nullopt;
  return static_cast<int>(it - barrier_cgroups_.begin());
}

// The worker is kept free for the attempt: a cgroup that stands still waits for nobody.
void Engine::RaiseBarrier(const AllocationPtr& allocation, const BarrierUse& use) {
  ++allocation->lane->running;
  ++running_;
  allocation->state = Allocation::State::kFreezing;
  client_.OnProgress(*allocation);
  barrier_.Freeze(
      *CgroupOf(PolicyOf(client_.policy(), *allocation)), use.box,
      [self = self_, allocation](absl::Status status) {
        if (*self != nullptr) (*self)->OnFrozen(allocation, status);
      },
      [self = self_, heap = allocation->heap](absl::Duration frozen_for) {
        if (*self != nullptr) (*self)->client_.CountersOf(*heap).barriers.frozen += frozen_for;
      });
}

void Engine::OnFrozen(const AllocationPtr& allocation, const absl::Status& status) {
  Lane& lane = *allocation->lane;
  --lane.running;
  --running_;
  if (!status.ok()) {
    ++CountersOf(*allocation).barriers.refused;
    if (!allocation->ended) Decide(allocation, {});
  } else if (allocation->ended) {
    barrier_.Thaw();
  } else {
    allocation->behind_barrier = true;
    ++allocation->attempts_behind_barrier;
    StartAttempt(allocation);
  }
  Pump(lane);
  if (idle()) client_.OnIdle();
}

// It is a wait like any other: whatever ends one early, ends this one.
void Engine::AwaitSync(const AllocationPtr& allocation, const SyncUse& use, absl::Duration box,
                       Remedies remedies) {
  const bool awaited =
      syncs_.Sync(use.filesystems, box,
                  [self = self_, waiting = std::weak_ptr(allocation),
                   wait = allocation->waits + 1](const absl::Status& status) {
                    const AllocationPtr still = waiting.lock();
                    if (*self != nullptr && still != nullptr && still->waits == wait) {
                      (*self)->OnSynced(still, status);
                    }
                  });
  if (!awaited) {
    ++CountersOf(*allocation).syncs.refused;
    return Decide(allocation, {.barrier = remedies.barrier});
  }
  BackOff(allocation, box);
  allocation->awaits_sync = true;
  client_.OnProgress(*allocation);
}

void Engine::OnSynced(const AllocationPtr& allocation, const absl::Status& status) {
  StopWaiting(allocation);
  if (!status.ok()) {
    SyncCounts& counts = CountersOf(*allocation).syncs;
    ++(absl::IsDeadlineExceeded(status) ? counts.over_box : counts.refused);
    return Decide(allocation, {});
  }
  allocation->after_sync = true;
  RetrySoon(allocation, allocation->not_before);
}

void Engine::RetrySoon(const AllocationPtr& allocation, absl::Time soonest) {
  const absl::Time now = executor_.Now();
  if (soonest <= now) return Enqueue(allocation, now);
  WaitToRetry(allocation, soonest - now);
}

void Engine::BackOff(const AllocationPtr& allocation, absl::Duration delay) {
  allocation->state = Allocation::State::kBackingOff;
  allocation->backing_off_since = executor_.Now();
  allocation->next_attempt = allocation->backing_off_since + delay;
  allocation->lane->backing_off.insert(allocation);
  ++allocation->waits;
}

void Engine::WaitToRetry(const AllocationPtr& allocation, absl::Duration delay) {
  BackOff(allocation, delay);
  // The worker keeps no reference, as with an attempt.
  allocation->retry_timer = allocation->lane->worker->RunLater(
      delay, [this, waiting = std::weak_ptr(allocation), wait = allocation->waits] {
        executor_.Post([this, waiting, wait] {
          const AllocationPtr due = waiting.lock();
          if (due == nullptr || due->waits != wait) return;
          StopWaiting(due);
          Enqueue(due, executor_.Now());
        });
      });
  client_.OnProgress(*allocation);
}

void Engine::StopWaiting(const AllocationPtr& allocation) {
  if (allocation->lane == nullptr || allocation->lane->backing_off.erase(allocation) == 0) return;
  CountersOf(*allocation).backoff += executor_.Now() - allocation->backing_off_since;
  ++allocation->waits;
  allocation->awaits_sync = false;
  allocation->lane->worker->Cancel(std::exchange(allocation->retry_timer, 0));
}

void Engine::Reconsider(const AllocationPtr& allocation) {
  if (allocation->state != Allocation::State::kBackingOff) return;
  // What the answer could bring is under way, or about to be tried.
  if (allocation->awaits_sync || allocation->after_sync) return;
  StopWaiting(allocation);
  Decide(allocation, {.sync = true});
}

void Engine::OnPageReleased(const AllocationPtr& allocation) {
  if (allocation->state != Allocation::State::kBackingOff) return;
  const RetryPolicy& policy = PolicyOf(client_.policy(), *allocation);
  // Whose attempts are counted does not lose one to a release that may be one of many.
  if (policy.max_attempts.has_value()) return;
  const absl::Time soonest =
      std::max(allocation->not_before, allocation->last_failure + policy.initial_backoff);
  if (soonest >= allocation->next_attempt) return;
  StopWaiting(allocation);
  RetrySoon(allocation, soonest);
}

void Engine::TurnTo(const AllocationPtr& allocation, const std::string& fallback) {
  ++allocation->fallbacks;
  Heap* const heap = client_.FallbackHeap(*allocation, fallback);
  const uint32_t uid = allocation->request.principal.uid;
  if (heap == nullptr || heap == allocation->heap || !lanes_.Of(*heap).queue.Admit(uid)) {
    // Not that one: perhaps the next.
    return Decide(allocation, {});
  }
  // All buffers of a request come from one heap.
  if (!allocation->buffers.empty()) {
    allocation->buffers.clear();
    client_.OnClosed();
  }
  allocation->lane->queue.Leave(uid);
  pages_.Forget(*allocation);
  allocation->heap = heap;
  allocation->lane = &lanes_.Of(*heap);
  allocation->attempts_on_heap = 0;
  allocation->logged.reset();
  allocation->after_sync = false;
  Enqueue(allocation, executor_.Now());
}

void Engine::Leave(const AllocationPtr& allocation) {
  allocation->state = Allocation::State::kEnded;
  allocation->abandoned.store(true, std::memory_order_relaxed);
  StopWaiting(allocation);
  pages_.Forget(*allocation);
  if (allocation->lane == nullptr) return;
  const uint32_t uid = allocation->request.principal.uid;
  allocation->lane->queue.Remove(uid, allocation);
  allocation->lane->queue.Leave(uid);
}

void Engine::OnReleased(const Heap& heap) {
  Lane* const lane = lanes_.Find(heap);
  if (lane == nullptr) return;
  const absl::Time now = executor_.Now();
  std::vector<AllocationPtr> woken;
  for (const AllocationPtr& allocation : lane->backing_off) {
    // Whose attempts are counted does not lose one to a release that may be too small.
    if (PolicyOf(client_.policy(), *allocation).max_attempts.has_value()) continue;
    if (allocation->not_before <= now &&
        LacksRoom(allocation->usage_at_failure, allocation->rounded_bytes))
      woken.push_back(allocation);
  }
  for (const AllocationPtr& allocation : woken) {
    StopWaiting(allocation);
    Enqueue(allocation, now);
  }
}

Engine::AllocationPtr Engine::TakeWaiting(const Heap& heap, Wanted wanted) {
  Lane* const lane = lanes_.Find(heap);
  if (lane == nullptr) return nullptr;
  if (absl::optional<AllocationPtr> in_line = lane->queue.Take(wanted)) return *in_line;
  const auto it = std::find_if(lane->backing_off.begin(), lane->backing_off.end(), wanted);
  if (it == lane->backing_off.end()) return nullptr;
  AllocationPtr taken = *it;  // StopWaiting erases that one
  StopWaiting(taken);
  return taken;
}

void Engine::Resume(const AllocationPtr& allocation) {
  if (Missing(*allocation) == 0) {
    client_.OnGot(allocation);
  } else {
    Enqueue(allocation, executor_.Now());
  }
}

// The buffers of a request that has ended go to the next that wants the same, and the rest is
// closed. Both were zeroed for nobody but their first user.
void Engine::OfferLate(const AllocationPtr& late) {
  const auto wants = [&](const AllocationPtr& other) {
    return other->heap == late->heap && other->rounded_bytes == late->rounded_bytes &&
           other->request.label == late->request.label;
  };
  while (!late->buffers.empty()) {
    const AllocationPtr next = TakeWaiting(*late->heap, wants);
    if (next == nullptr) break;
    const int count = std::min<int>(Missing(*next), static_cast<int>(late->buffers.size()));
    for (int i = 0; i < count; ++i) {
      next->buffers.push_back(std::move(late->buffers.back()));
      late->buffers.pop_back();
    }
    Resume(next);
  }
  if (late->buffers.empty()) return;
  late->buffers.clear();
  client_.OnClosed();
}

}  // namespace dmaheap

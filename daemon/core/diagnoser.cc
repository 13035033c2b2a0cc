#include "daemon/core/diagnoser.h"

#include <cerrno>
#include <utility>

#include "daemon/core/diagnosis_record.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// What the area has to do with; other errors are of the call itself.
bool IsOfTheArea(const Allocation& allocation) {
  const int error_number = GetErrno(allocation.last_error);
  return error_number == ENOMEM || error_number == EBUSY;
}

// Calls back when the last of what is awaited is there, or at the end of the time box.
class Gathering : public std::enable_shared_from_this<Gathering> {
 public:
  Gathering(Executor& executor, absl::AnyInvocable<void()> ready)
      : executor_(executor), ready_(std::move(ready)) {}

  void Await() { ++awaited_; }
  void OnOne() {
    if (--awaited_ == 0) Finish();
  }
  void Start(absl::Duration box) {
    timer_ = executor_.After(box, [self = shared_from_this()] {
      self->timer_ = 0;
      self->Finish();
    });
  }

 private:
  void Finish() {
    executor_.Cancel(std::exchange(timer_, 0));
    if (auto ready = std::exchange(ready_, nullptr)) ready();
  }

  Executor& executor_;
  absl::AnyInvocable<void()> ready_;
  int awaited_ = 0;
  TimerId timer_ = 0;
};

}  // namespace

void Diagnoser::OnFailed(const AllocationPtr& allocation) {
  if (!IsOfTheArea(*allocation)) return;
  Look(*allocation, kWindow);
  // The kernel leaves out most of many failures: what it says of this one is kept until the end.
  const bool trace_may_tell = allocation->page_awaited || allocation->page.told.has_value();
  if (trace_may_tell || executor_.Now() < allocation->log_asked_at + kWindow) return;
  ReadLog(allocation, [] {});
}

bool Diagnoser::Look(const Allocation& allocation, absl::Duration window) {
  const std::string& name = allocation.heap->description().area;
  if (name.empty()) return false;
  Area& area = seen_[name];
  if (executor_.Now() < area.asked_at + kWindow) return true;
  if (executor_.Now() < area.sight.read_at + window) return false;
  if (absl::optional<CmaFreeList> list = allocation.heap->FreeList()) {
    OnFreeList(name, *std::move(list), v1::EvidenceSource::KIND_UNSPECIFIED);
    return false;
  }
  // Whoever waited for an answer that never came has been told by its time box.
  area.waiting.clear();
  const bool asked =
      areas_.ReadFreeList(name, [self = self_, name](absl::StatusOr<CmaFreeList> list) {
        if (*self == nullptr) return;
        (*self)->OnFreeList(name, std::move(list), v1::EvidenceSource::FREE_LIST);
      });
  if (asked) area.asked_at = executor_.Now();
  return asked;
}

void Diagnoser::OnFreeList(const std::string& name, absl::StatusOr<CmaFreeList> list,
                           v1::EvidenceSource::Kind source) {
  Area& area = seen_[name];
  area.asked_at = absl::InfinitePast();
  area.sight = AreaSight{.read_at = executor_.Now()};
  if (list.ok()) {
    area.sight.source = source;
    area.sight.free_list = *std::move(list);
    area.sight.buffers = BuffersInArea(table_, heaps_, name);
  }
  for (const auto& told : std::exchange(area.waiting, {})) told();
}

bool Diagnoser::LogMayTell(const Allocation& allocation) const {
  const HeapDescription& heap = allocation.heap->description();
  if (heap.area.empty() || heap.contiguity != v1::PHYSICAL) return false;
  const auto& told = allocation.page.told;
  const bool errno_is_told = told.has_value() && told->inner_error_number != 0;
  const auto seen = seen_.find(heap.area);
  const bool list_is_told = seen != seen_.end() && seen->second.sight.free_list.has_value() &&
                            allocation.last_failure <= seen->second.sight.read_at + kShortWindow;
  if (!list_is_told) return true;
  // Where there is no place for it, that is why.
  return !errno_is_told && LargestRun(seen->second.sight.free_list->runs) >=
                               allocation.rounded_bytes / heap.page_size_bytes;
}

bool Diagnoser::ReadLog(const AllocationPtr& allocation, absl::AnyInvocable<void()> done) {
  if (!LogMayTell(*allocation)) return false;
  const HeapDescription& heap = allocation->heap->description();
  const FailedAttempts attempts{.area = heap.area,
                                .pages = allocation->rounded_bytes / heap.page_size_bytes,
                                .count = allocation->attempts_on_heap,
                                .first_began = allocation->first_attempt,
                                .last_began = allocation->attempt_start,
                                .thread = allocation->last_thread};
  const bool asked = areas_.ReadLog([self = self_, waiting = std::weak_ptr(allocation), attempts,
                                     failure = allocation->last_failure, done = std::move(done)](
                                        const absl::StatusOr<FailureLog>& log) mutable {
    if (*self == nullptr) return;
    const AllocationPtr still = waiting.lock();
    if (log.ok() && still != nullptr) (*self)->OnLog(*still, attempts, failure, *log);
    done();
  });
  if (asked) allocation->log_asked_at = executor_.Now();
  return asked;
}

void Diagnoser::OnLog(Allocation& allocation, const FailedAttempts& attempts, absl::Time failure,
                      const FailureLog& log) {
  const HeapDescription& heap = allocation.heap->description();
  // It has turned to another heap, or begun again.
  if (heap.area != attempts.area || allocation.attempts_on_heap < attempts.count) return;
  const LoggedFailure* const found = FindLast(log, attempts);
  if (found == nullptr) return;
  allocation.logged = Allocation::Logged{.error_number = found->error_number, .failure = failure};
  if (!found->free_list.has_value()) return;
  // Another area's, whose failure was not told.
  const int64_t pages = found->free_list->total_pages;
  if (heap.size_bytes.has_value() && pages != *heap.size_bytes / heap.page_size_bytes) return;
  AreaSight& sight = seen_[attempts.area].sight;
  if (sight.free_list.has_value() && failure <= sight.read_at + kShortWindow) return;
  sight = AreaSight{.free_list = found->free_list,
                    .read_at = failure,
                    .source = v1::EvidenceSource::KERNEL_LOG,
                    .buffers = BuffersInArea(table_, heaps_, attempts.area)};
}

void Diagnoser::Prepare(const AllocationPtr& allocation, absl::AnyInvocable<void()> ready) {
  if (!IsOfTheArea(*allocation)) {
    counts_.durations.Add(absl::ZeroDuration());
    return ready();
  }
  const absl::Time end = executor_.Now() + kTimeBox;
  const auto told = std::make_shared<Gathering>(
      executor_, [self = self_, began = executor_.Now(), ready = std::move(ready)]() mutable {
        if (*self == nullptr) return;
        (*self)->counts_.durations.Add((*self)->executor_.Now() - began);
        ready();
      });
  told->Await();  // what comes before the log
  told->Start(kTimeBox);
  const auto gathering = std::make_shared<Gathering>(
      executor_, [self = self_, waiting = std::weak_ptr(allocation), told, end] {
        const AllocationPtr still = waiting.lock();
        if (*self == nullptr || still == nullptr) return;
        // The log is for what the others left open.
        const bool asked =
            (*self)->executor_.Now() < end && (*self)->ReadLog(still, [told] { told->OnOne(); });
        if (!asked) told->OnOne();
      });
  gathering->Await();  // this call
  if (Look(*allocation, kShortWindow)) {
    gathering->Await();
    seen_[allocation->heap->description().area].waiting.push_back(
        [gathering] { gathering->OnOne(); });
  }
  if (allocation->page_awaited) {
    gathering->Await();
    allocation->on_page_told = [gathering] { gathering->OnOne(); };
  }
  gathering->OnOne();
}

absl::Status Diagnoser::Conclude(const Allocation& allocation, const SourceErrors& sources,
                                 bool owner_inspects, const Explain& explain) {
  const std::string& heap = allocation.heap->description().name;
  const absl::Time now = executor_.Now();
  const std::vector<HeapHolder> holders = HoldersOf(table_, trends_, heap, now);
  const auto seen = seen_.find(allocation.heap->description().area);
  // What was read too long ago says nothing of this failure.
  AreaSight* const sight =
      seen != seen_.end() && allocation.last_failure <= seen->second.sight.read_at + kWindow
          ? &seen->second.sight
          : nullptr;
  const Evidence evidence = GatherEvidence(allocation, table_, holders, sight);
  KeptDiagnosis diagnosis = MakeDiagnosis({.allocation = allocation,
                                           .evidence = evidence,
                                           .table = table_,
                                           .holders = holders,
                                           .sight = sight,
                                           .sources = sources,
                                           .now = now,
                                           .wall_time = executor_.WallTime(),
                                           .owner_inspects = owner_inspects});
  diagnosis.for_owner.set_name(store_.NextName());
  absl::Status status = explain(diagnosis.for_owner);
  diagnosis.whole.set_reason(GetReason(status));
  diagnosis.for_owner.set_reason(GetReason(status));
  ++counts_.verdicts[diagnosis.whole.verdict()];
  store_.Keep(std::move(diagnosis));
  return status;
}

}  // namespace dmaheap

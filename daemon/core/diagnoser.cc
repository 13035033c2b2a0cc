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

void Diagnoser::OnFailed(const Allocation& allocation) {
  if (IsOfTheArea(allocation)) Look(allocation, kWindow);
}

bool Diagnoser::Look(const Allocation& allocation, absl::Duration window) {
  const std::string& name = allocation.heap->description().area;
  if (name.empty()) return false;
  Area& area = seen_[name];
  if (executor_.Now() < area.asked_at + kWindow) return true;
  if (executor_.Now() < area.sight.read_at + window) return false;
  if (absl::optional<CmaFreeList> list = allocation.heap->FreeList()) {
    OnFreeList(name, *std::move(list));
    return false;
  }
  // Whoever waited for an answer that never came has been told by its time box.
  area.waiting.clear();
  const bool asked =
      areas_.ReadFreeList(name, [self = self_, name](absl::StatusOr<CmaFreeList> list) {
        if (*self != nullptr) (*self)->OnFreeList(name, std::move(list));
      });
  if (asked) area.asked_at = executor_.Now();
  return asked;
}

void Diagnoser::OnFreeList(const std::string& name, absl::StatusOr<CmaFreeList> list) {
  Area& area = seen_[name];
  area.asked_at = absl::InfinitePast();
  area.sight = AreaSight{.read_at = executor_.Now()};
  if (list.ok()) {
    area.sight.free_list = *std::move(list);
    area.sight.buffers = BuffersInArea(table_, heaps_, name);
  }
  for (const auto& told : std::exchange(area.waiting, {})) told();
}

void Diagnoser::Prepare(const AllocationPtr& allocation, absl::AnyInvocable<void()> ready) {
  if (!IsOfTheArea(*allocation)) {
    counts_.durations.Add(absl::ZeroDuration());
    return ready();
  }
  const auto gathering = std::make_shared<Gathering>(
      executor_, [self = self_, began = executor_.Now(), ready = std::move(ready)]() mutable {
        if (*self == nullptr) return;
        (*self)->counts_.durations.Add((*self)->executor_.Now() - began);
        ready();
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
  gathering->Start(kTimeBox);
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

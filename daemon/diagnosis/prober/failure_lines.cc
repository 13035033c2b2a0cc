#include "daemon/diagnosis/prober/failure_lines.h"

#include <utility>
#include <variant>

namespace dmaheap {

void FailureLines::Take(const KmsgRecord& record, absl::Time read_at) {
  if (!record.FromKernel()) return;
  KmsgLine line = ParseKmsgText(record.text);
  if (auto* failed = std::get_if<CmaAllocFailure>(&line)) {
    OnFailure({.line = std::move(*failed),
               .thread = record.thread,
               .stamp = absl::Microseconds(record.microseconds),
               .read_at = read_at});
  } else if (auto* list = std::get_if<CmaFreeList>(&line)) {
    OnList(std::move(*list));
  } else if (const auto* part = std::get_if<FreeListPart>(&line)) {
    if (absl::optional<CmaFreeList> whole = parts_.Take(*part)) OnList(*std::move(whole));
  }
}

void FailureLines::OnGap() {
  awaits_list_ = false;
  parts_ = FreeListParts();
}

void FailureLines::OnFailure(Failure failure) {
  const bool both_wait = awaits_list_ && !failures_.empty() &&
                         failure.stamp - failures_.back().stamp < absl::Seconds(1);
  awaits_list_ = !both_wait;
  failures_.push_back(std::move(failure));
  if (failures_.size() > kMost) failures_.pop_front();
  if (failures_.size() > kMostLists) failures_[failures_.size() - kMostLists - 1].free_list.reset();
}

void FailureLines::OnList(CmaFreeList list) {
  if (!std::exchange(awaits_list_, false)) return;
  if (list.runs.size() <= kMostRuns) failures_.back().free_list = std::move(list);
}

}  // namespace dmaheap

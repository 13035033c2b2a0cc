#include "tests/bench/guest/freeze_trace.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"

namespace dmaheap::bench {

std::vector<TracedFreeze> ParseFreezeTrace(absl::string_view text, absl::string_view path) {
  std::vector<TracedFreeze> freezes;
  const std::string of_path = absl::StrCat("path=", path);
  const auto is_ours = [&](const TraceEvent& event) {
    const size_t at = event.fields.find(of_path);
    if (at == absl::string_view::npos) return false;
    const size_t end = at + of_path.size();
    return end == event.fields.size() || event.fields[end] == ' ';
  };
  // One barrier at a time, and one allocation of an area at a time.
  absl::optional<double> frozen_since;
  bool allocating_behind = false;
  bool cured = false;
  // The allocation may end after the thaw.
  absl::optional<size_t> unfinished;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const auto event = ParseTraceLine(line);
    if (!event.has_value()) continue;
    if (event->name == "cgroup_freeze" && is_ours(*event)) {
      frozen_since = event->seconds;
      allocating_behind = cured = false;
      unfinished.reset();
    } else if (event->name == "cgroup_unfreeze" && is_ours(*event) && frozen_since.has_value()) {
      freezes.push_back({*frozen_since, {(event->seconds - *frozen_since) * 1000, cured}});
      if (allocating_behind) unfinished = freezes.size() - 1;
      frozen_since.reset();
    } else if (event->name == "cma_alloc_start") {
      allocating_behind = frozen_since.has_value();
    } else if (event->name == "cma_alloc_finish" && allocating_behind) {
      allocating_behind = false;
      const bool success = absl::StrContains(event->fields, "errorno=0");
      if (unfinished.has_value()) {
        freezes[*unfinished].freeze.cured = success;
        unfinished.reset();
      } else {
        cured = cured || success;
      }
    }
  }
  return freezes;
}

absl::StatusOr<FreezeTrace> FreezeTrace::Start(const std::string& name) {
  auto trace = TraceInstance::Start(name, {"cgroup/cgroup_freeze", "cgroup/cgroup_unfreeze",
                                           "cma/cma_alloc_start", "cma/cma_alloc_finish"});
  if (!trace.ok()) return trace.status();
  return FreezeTrace(*std::move(trace), absl::StrCat("/", name));
}

absl::StatusOr<std::vector<TracedFreeze>> FreezeTrace::Take() {
  const auto text = trace_->Take();
  if (!text.ok()) return text.status();
  return ParseFreezeTrace(*text, path_);
}

}  // namespace dmaheap::bench

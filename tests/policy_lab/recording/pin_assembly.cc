#include "tests/policy_lab/recording/pin_assembly.h"

#include <algorithm>
#include <utility>

namespace dmaheap::policy_lab {

void PinAssembly::Take(const PinEvent& event) {
  std::visit([&](const auto& what) { On(event, what); }, event.what);
}

void PinAssembly::On(const PinEvent& event, const UnmappingBegins&) {
  unmappings_[event.thread] = Unmapping{.since = event.at};
}

void PinAssembly::On(const PinEvent& event, const LettingGoBegins&) {
  const auto found = unmappings_.find(event.thread);
  // It began before the trace did.
  if (found == unmappings_.end()) return;
  Settle(found->second);
  found->second.letting_go_since = event.at;
}

void PinAssembly::On(const PinEvent& event, const UnmappingEnds&) {
  auto ended = unmappings_.extract(event.thread);
  if (!ended.empty()) Settle(ended.mapped());
}

void PinAssembly::On(const PinEvent& event, const ReferenceTaken& taken) {
  if (InArea(taken.frame)) held_.insert({taken.frame, {event.at, taken.excess}});
}

void PinAssembly::On(const PinEvent& event, const ReferenceDropped& dropped) {
  if (!InArea(dropped.frame)) return;
  const auto unmapping = unmappings_.find(event.thread);
  if (unmapping != unmappings_.end() && unmapping->second.letting_go_since.has_value()) {
    unmapping->second.drops.push_back({event.at, dropped.frame, dropped.stays});
  }
  const auto held = held_.find(dropped.frame);
  if (held == held_.end() || dropped.excess > held->second.excess) return;
  if (event.at - held->second.since >= kShortest &&
      Add({event.at, dropped.frame, dropped.stays}, held->second.since, /*keep=*/true)) {
    ++recording_.references;
  }
  held_.erase(held);
}

void PinAssembly::On(const PinEvent& event, const AttemptBegins&) {
  attempts_[event.thread] = event.at;
}

void PinAssembly::On(const PinEvent& event, const WindowRefused& refused) {
  const auto attempt = attempts_.find(event.thread);
  if (attempt == attempts_.end() || attempt->second < options_.begin || event.at > options_.end) {
    return;
  }
  refusals_.push_back({attempt->second, event.at, refused.frame});
}

void PinAssembly::On(const PinEvent& event, const AttemptEnds& ended) {
  const auto attempt = attempts_.extract(event.thread);
  if (attempt.empty() || attempt.mapped() < options_.begin || event.at > options_.end) return;
  recording_.attempt_times.push_back(event.at - attempt.mapped());
  if (!ended.success) ++recording_.attempts_failed;
}

void PinAssembly::Settle(Unmapping& unmapping) {
  const std::vector<Drop> drops = std::exchange(unmapping.drops, {});
  if (drops.empty()) return;
  const absl::Duration taken_out = *unmapping.letting_go_since - unmapping.since;
  const absl::Duration let_go = drops.back().at - *unmapping.letting_go_since;
  const auto kept = std::min(drops.size(), static_cast<size_t>(options_.pages_per_unmapping));
  size_t next = 0;
  int64_t added = 0;
  for (size_t i = 0; i < drops.size(); ++i) {
    const double share = let_go > absl::ZeroDuration()
                             ? absl::FDivDuration(drops[i].at - *unmapping.letting_go_since, let_go)
                             : 0;
    const bool keep = kept < 2 || i == next * (drops.size() - 1) / (kept - 1);
    if (keep) ++next;
    added += Add(drops[i], unmapping.since + taken_out * share, keep) ? 1 : 0;
  }
  recording_.unmapped_pages += added;
  if (added > 0) ++recording_.unmappings;
  // What it lets go later it took out later.
  unmapping.since = drops.back().at;
}

bool PinAssembly::Add(const Drop& drop, absl::Duration begin, bool keep) {
  begin = std::max(begin, options_.begin);
  const absl::Duration end = std::min(drop.at, options_.end);
  if (begin >= end) return false;
  pinned_[drop.frame].push_back({begin, end});
  if (keep) {
    recording_.pins.push_back({begin - options_.begin, end - begin,
                               static_cast<int64_t>(drop.frame - options_.first_frame),
                               drop.stays});
  }
  return true;
}

void PinAssembly::ExplainRefusals() {
  for (const Refusal& refusal : refusals_) {
    ++recording_.refusals;
    bool then = false, since = false;
    for (const Interval& pin : pinned_[refusal.frame]) {
      if (pin.begin > refusal.at) continue;
      if (pin.end >= refusal.at) {
        then = true;
      } else if (pin.end >= refusal.attempt_begin) {
        since = true;
      }
    }
    if (then) {
      ++recording_.refusals_explained;
    } else if (since) {
      ++recording_.refusals_explained_late;
    }
  }
}

Recording PinAssembly::Finish() {
  for (auto& [thread, unmapping] : unmappings_) Settle(unmapping);
  for (const auto& [frame, held] : held_) {
    if (options_.end - held.since < kShortest) continue;
    if (!Add({options_.end, frame, /*stays=*/true}, held.since, /*keep=*/true)) continue;
    ++recording_.references;
    ++recording_.references_left;
  }
  ExplainRefusals();
  recording_.length = options_.end - options_.begin;
  std::stable_sort(recording_.pins.begin(), recording_.pins.end(),
                   [](const Pin& a, const Pin& b) { return a.start < b.start; });
  return std::move(recording_);
}

}  // namespace dmaheap::policy_lab

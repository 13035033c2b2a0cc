#include "daemon/diagnosis/verdict.h"

#include <algorithm>
#include <cerrno>

#include "daemon/diagnosis/pin.h"

namespace dmaheap {
namespace {

// Who only takes, so many times and so much of all, is suspected.
constexpr int64_t kLeakBuffers = 8;
constexpr double kLeakShare = 0.5;

// A free list that is no older is that of the failure.
constexpr absl::Duration kFreshFor = absl::Milliseconds(20);

bool OneOnlyGrows(const Evidence& evidence) {
  int64_t all = 0;
  for (const HolderTrend& holder : evidence.holders) all += holder.bytes;
  return std::any_of(
      evidence.holders.begin(), evidence.holders.end(), [all](const HolderTrend& holder) {
        return holder.came >= kLeakBuffers && holder.went == 0 &&
               static_cast<double>(holder.bytes) >= kLeakShare * static_cast<double>(all);
      });
}

Judgement JudgeFull(const Evidence& evidence, v1::Diagnosis::Confidence confidence) {
  if (!OneOnlyGrows(evidence)) return {v1::Diagnosis::EXHAUSTED, confidence};
  return {v1::Diagnosis::LEAK_SUSPECTED, std::min(confidence, v1::Diagnosis::LIKELY)};
}

// The call did not come as far as the area.
Judgement JudgeCall(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
    case ENOSPC:  // of inotify_add_watch(2)
      return {v1::Diagnosis::FD_LIMIT, v1::Diagnosis::CERTAIN};
    case EACCES:
    case EPERM:
      return {v1::Diagnosis::PERMISSION, v1::Diagnosis::CERTAIN};
    case ENODEV:
    case ENXIO:
    case ENOENT:
      return {v1::Diagnosis::HEAP_ABSENT, v1::Diagnosis::CERTAIN};
    case ENOTTY:
    case ENOSYS:
    case EOPNOTSUPP:
      return {v1::Diagnosis::KERNEL_UNSUPPORTED, v1::Diagnosis::CERTAIN};
    default:
      return {};
  }
}

Judgement JudgePin(const Evidence& evidence) {
  if (!evidence.frame.has_value())
    return {v1::Diagnosis::PINNED_TRANSIENT, v1::Diagnosis::POSSIBLE};
  const RefusingFrame& frame = *evidence.frame;
  const absl::optional<bool> held = IsHeld(frame);
  if (held.has_value() && !*held) return {v1::Diagnosis::PINNED_TRANSIENT, v1::Diagnosis::CERTAIN};
  if (frame.stuck_for >= kStuckAfter) {
    return {v1::Diagnosis::PINNED_STUCK,
            held.has_value() ? v1::Diagnosis::CERTAIN : v1::Diagnosis::LIKELY};
  }
  // Too early to tell whether it stays.
  return {v1::Diagnosis::PINNED_TRANSIENT, evidence.attempts > 1 && !held.has_value()
                                               ? v1::Diagnosis::LIKELY
                                               : v1::Diagnosis::POSSIBLE};
}

}  // namespace

Judgement Judge(const Evidence& evidence) {
  if (evidence.error_number != ENOMEM && evidence.error_number != EBUSY) {
    return JudgeCall(evidence.error_number);
  }
  // The heap's own number is of the failure; without it, that of the free list is.
  absl::optional<int64_t> free = evidence.free_pages;
  if (!free.has_value() && evidence.fit.has_value()) free = evidence.fit->free_pages;
  if (free.has_value() && *free < evidence.pages) {
    return JudgeFull(evidence, v1::Diagnosis::CERTAIN);
  }
  // Books may be behind what clients have closed.
  if (!free.has_value() && evidence.inner_error_number != 0 &&
      evidence.unbooked_pages.value_or(evidence.pages) < evidence.pages) {
    return JudgeFull(evidence, v1::Diagnosis::LIKELY);
  }
  const bool runs_too_short =
      evidence.largest_run_pages.has_value() && *evidence.largest_run_pages < evidence.pages;
  if (runs_too_short) return {v1::Diagnosis::FRAGMENTED, v1::Diagnosis::CERTAIN};
  if (evidence.fit.has_value() && !evidence.fit->fits) {
    // What was read for an earlier failure may have changed since.
    const bool fresh = evidence.fit_age <= kFreshFor;
    return {
        evidence.fit->fits_unaligned ? v1::Diagnosis::ALIGNMENT_WASTE : v1::Diagnosis::FRAGMENTED,
        fresh ? v1::Diagnosis::CERTAIN : v1::Diagnosis::LIKELY};
  }

  // The newest kernels answer EBUSY for a full area too (cma_range_alloc, since 6.15): out of the
  // question where the room is known, and a reason to say no more than possible where it is not.
  const bool refused = evidence.windows_refused.value_or(0) > 0 || evidence.frame.has_value() ||
                       evidence.inner_error_number == EBUSY || evidence.error_number == EBUSY;
  if (refused) return JudgePin(evidence);
  if (evidence.inner_error_number != ENOMEM) return {};
  const bool room_is_known = evidence.fit.has_value() || evidence.largest_run_pages.has_value();
  // No page was in the way, so there was no place, or nowhere to move the pages to that lie there.
  if (!room_is_known) return {v1::Diagnosis::FRAGMENTED, v1::Diagnosis::POSSIBLE};
  const bool traced = evidence.windows_refused.has_value();
  const bool fresh = evidence.inner_error_age <= kFreshFor && evidence.fit_age <= kFreshFor;
  return {v1::Diagnosis::NO_MIGRATION_TARGET, traced  ? v1::Diagnosis::CERTAIN
                                              : fresh ? v1::Diagnosis::LIKELY
                                                      : v1::Diagnosis::POSSIBLE};
}

}  // namespace dmaheap

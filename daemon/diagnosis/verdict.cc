#include "daemon/diagnosis/verdict.h"

#include <algorithm>
#include <cerrno>

namespace dmaheap {
namespace {

// Who only takes, so many times and so much of all, is suspected.
constexpr int64_t kLeakBuffers = 8;
constexpr double kLeakShare = 0.5;

bool OneOnlyGrows(const Evidence& evidence) {
  int64_t all = 0;
  for (const HolderTrend& holder : evidence.holders) all += holder.bytes;
  return std::any_of(
      evidence.holders.begin(), evidence.holders.end(), [all](const HolderTrend& holder) {
        return holder.came >= kLeakBuffers && holder.went == 0 &&
               static_cast<double>(holder.bytes) >= kLeakShare * static_cast<double>(all);
      });
}

// The call did not come as far as the area.
Judgement JudgeCall(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
      return {Verdict::kFdLimit, Confidence::kCertain};
    case EACCES:
    case EPERM:
      return {Verdict::kPermission, Confidence::kCertain};
    case ENODEV:
    case ENXIO:
    case ENOENT:
      return {Verdict::kHeapAbsent, Confidence::kCertain};
    case ENOTTY:
    case ENOSYS:
    case EOPNOTSUPP:
      return {Verdict::kKernelUnsupported, Confidence::kCertain};
    default:
      return {};
  }
}

Judgement JudgePin(const Evidence& evidence) {
  if (!evidence.frame.has_value()) return {Verdict::kPinnedTransient, Confidence::kPossible};
  const RefusingFrame& frame = *evidence.frame;
  const bool gone = frame.held_since.has_value() && !*frame.held_since;
  if (gone) return {Verdict::kPinnedTransient, Confidence::kCertain};
  if (frame.stuck_for >= kStuckAfter) {
    return {Verdict::kPinnedStuck,
            frame.held_since.has_value() ? Confidence::kCertain : Confidence::kLikely};
  }
  // Too early to tell whether it stays.
  return {Verdict::kPinnedTransient, evidence.attempts > 1 && !frame.held_since.has_value()
                                         ? Confidence::kLikely
                                         : Confidence::kPossible};
}

}  // namespace

Judgement Judge(const Evidence& evidence) {
  if (evidence.error_number != ENOMEM && evidence.error_number != EBUSY) {
    return JudgeCall(evidence.error_number);
  }
  if (evidence.free_pages.has_value() && *evidence.free_pages < evidence.pages) {
    return OneOnlyGrows(evidence) ? Judgement{Verdict::kLeakSuspected, Confidence::kLikely}
                                  : Judgement{Verdict::kExhausted, Confidence::kCertain};
  }
  if (evidence.fit.has_value() && !evidence.fit->fits) {
    return {evidence.fit->fits_unaligned ? Verdict::kAlignmentWaste : Verdict::kFragmented,
            Confidence::kCertain};
  }
  const bool runs_too_short =
      evidence.largest_run_pages.has_value() && *evidence.largest_run_pages < evidence.pages;
  if (runs_too_short) return {Verdict::kFragmented, Confidence::kCertain};

  // The newest kernels answer EBUSY for a full area too, which is out of the question here.
  const bool refused = evidence.windows_refused.value_or(0) > 0 || evidence.frame.has_value() ||
                       evidence.inner_error_number == EBUSY || evidence.error_number == EBUSY;
  if (refused) return JudgePin(evidence);
  const bool room_is_known = evidence.fit.has_value() || evidence.largest_run_pages.has_value();
  if (room_is_known && evidence.inner_error_number == ENOMEM) {
    const bool traced = evidence.windows_refused.has_value();
    return {Verdict::kNoMigrationTarget, traced ? Confidence::kCertain : Confidence::kLikely};
  }
  return {};
}

}  // namespace dmaheap

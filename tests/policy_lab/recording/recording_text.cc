#include "tests/policy_lab/recording/recording_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace dmaheap::policy_lab {
namespace {

constexpr size_t kParts = 10;

double Ms(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

absl::Duration Quantile(const std::vector<absl::Duration>& ascending, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(ascending.size()));
  return ascending[std::min(at, ascending.size() - 1)];
}

// Of the time of the recording, that in which a page at least was pinned.
absl::Duration TimePinned(const std::vector<Pin>& pins) {
  absl::Duration sum, until;
  for (const Pin& pin : pins) {
    const absl::Duration end = pin.start + pin.duration;
    if (end <= until) continue;
    sum += end - std::max(until, pin.start);
    until = end;
  }
  return sum;
}

}  // namespace

PinTrace TraceOf(const Recording& recording, int64_t area_pages) {
  PinTrace trace;
  trace.area_pages = area_pages;
  trace.pins = recording.pins;
  std::vector<absl::Duration> times = recording.attempt_times;
  std::sort(times.begin(), times.end());
  for (size_t i = 0; i < kParts && !times.empty(); ++i) {
    trace.attempt_times.push_back(Quantile(times, (static_cast<double>(i) + 0.5) / kParts));
  }
  return trace;
}

std::string RecordingComment(const RecordedOf& of, const Recording& recording) {
  std::string text =
      absl::StrFormat("Recorded by record_pins for %.1f s on %s, under\n%s: %s\n",
                      absl::ToDoubleSeconds(recording.length), of.machine, of.kind, of.outcome);
  absl::StrAppendFormat(
      &text,
      "%d times a process let go of pages of the area, %d in all; of each time up to %d are "
      "here.\nReferences taken by a lookup for 0.1 ms or more: %d; %d were there to the end.\n",
      recording.unmappings, recording.unmapped_pages, of.pages_per_unmapping, recording.references,
      recording.references_left);
  std::vector<absl::Duration> lifetimes;
  for (const Pin& pin : recording.pins) lifetimes.push_back(pin.duration);
  std::sort(lifetimes.begin(), lifetimes.end());
  if (!lifetimes.empty()) {
    absl::StrAppendFormat(
        &text,
        "Lifetimes: p10 %.1f, p50 %.1f, p90 %.1f, p99 %.1f ms. A page was pinned %.0f%% of "
        "the time.\n",
        Ms(Quantile(lifetimes, 0.1)), Ms(Quantile(lifetimes, 0.5)), Ms(Quantile(lifetimes, 0.9)),
        Ms(Quantile(lifetimes, 0.99)),
        100 * absl::FDivDuration(TimePinned(recording.pins), recording.length));
  }
  absl::StrAppendFormat(
      &text,
      "%d of %d attempts at the whole area failed. Of %d pages that refused a window %d were "
      "pinned\nby this record at that time, and %d since the attempt had begun.",
      recording.attempts_failed, recording.attempt_times.size(), recording.refusals,
      recording.refusals_explained, recording.refusals_explained_late);
  return text;
}

}  // namespace dmaheap::policy_lab

#include "client/ctl/progress_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/ctl/units_text.h"
#include "client/ctl/views.h"

namespace dmaheap::ctl {
namespace {

// Upwards: what is not over does not look so.
std::string DelayText(absl::Duration delay) {
  const absl::Duration unit =
      delay < absl::Seconds(10) ? absl::Milliseconds(100) : absl::Seconds(1);
  return absl::FormatDuration(absl::Ceil(std::max(delay, absl::ZeroDuration()), unit));
}

std::string FreeText(const AllocationProgress& progress) {
  if (progress.largest_free_bytes.has_value()) {
    return absl::StrCat("largest free run ", SizeText(*progress.largest_free_bytes));
  }
  if (progress.free_bytes.has_value()) {
    return absl::StrCat("free ", SizeText(*progress.free_bytes));
  }
  return "free space not known";
}

// A page that is in the way for less is one of many that come and go.
constexpr absl::Duration kWorthTelling = absl::Milliseconds(100);

std::string PinnedText(const AllocationProgress& progress, const std::string& heap) {
  if (progress.stuck_for < kWorthTelling) {
    return absl::StrCat("pages of ", heap, " can not be moved just now (", FreeText(progress), ")");
  }
  const std::string who =
      progress.pinned_by.empty() ? "" : absl::StrCat(", mapped by ", Printable(progress.pinned_by));
  return absl::StrCat("a page of ", heap, " has been pinned for ",
                      absl::FormatDuration(absl::Trunc(progress.stuck_for, kWorthTelling)), who);
}

std::string ObstacleText(const AllocationProgress& progress) {
  const std::string heap = Printable(ShortName(progress.heap));
  switch (progress.obstacle) {
    case Obstacle::kPinned:
      return PinnedText(progress, heap);
    case Obstacle::kNoRoom:
      return absl::StrCat("no room in ", heap, " (", FreeText(progress),
                          "); somebody has to release something");
    case Obstacle::kOwnBuffers:
      return absl::StrCat("you hold ", SizeText(progress.own_bytes), " of ", heap,
                          " yourself; release some: dmaheapctl get buffers (", FreeText(progress),
                          ")");
    case Obstacle::kEachOther:
      return absl::StrCat("others who wait too hold ", SizeText(progress.waiting_others_bytes),
                          " of ", heap, ", you ", SizeText(progress.own_bytes),
                          "; one has to release some: dmaheapctl get buffers (", FreeText(progress),
                          ")");
    case Obstacle::kUnspecified:
      break;
  }
  return Printable(progress.last_error);
}

}  // namespace

std::string ProgressText(const AllocationProgress& progress, absl::Duration age) {
  const std::string elapsed = AgeText(progress.elapsed + age);
  const std::string attempt = absl::StrCat("attempt ", progress.attempts, ", ", elapsed);
  std::string text;
  switch (progress.state) {
    case AllocationState::kInLine:
      text = progress.attempts == 0 ? absl::StrCat("in line behind others, ", elapsed)
                                    : absl::StrCat(attempt, ", in line behind others");
      break;
    case AllocationState::kAttempting:
      text = progress.attempts == 0 ? absl::StrCat("first attempt, ", elapsed)
                                    : absl::StrCat(attempt, ", the heap is at work");
      break;
    case AllocationState::kBackingOff:
      text = absl::StrCat(attempt, ", next in ", DelayText(progress.next_delay - age));
      break;
    case AllocationState::kUnspecified:
      text = attempt;
      break;
  }
  const std::string obstacle = ObstacleText(progress);
  return obstacle.empty() ? text : absl::StrCat(text, ": ", obstacle);
}

}  // namespace dmaheap::ctl

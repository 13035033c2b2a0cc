#include "daemon/diagnosis/prober/frame_watch.h"

#include <poll.h>

#include <algorithm>
#include <cstdint>

#include "daemon/diagnosis/prober/frame_tables.h"
#include "daemon/diagnosis/prober/pagemap.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kBetweenLooks = absl::Milliseconds(1);

}  // namespace

bool FrameWatch::Look() {
  const absl::Time now = MonotonicNow();
  if (!goes_on_ || now < next_) return goes_on_;
  next_ = now + kBetweenLooks;
  FrameRecord seen{.frame = record_.frame};
  ReadMapCount(proc_, seen);
  ReadFrameFlags(proc_, seen);
  if ((seen.present & kFrameMapCount) == 0 || (seen.present & kFrameFlags) == 0) {
    goes_on_ = false;
    return false;
  }
  record_.most_mapped = std::max(
      record_.most_mapped, static_cast<uint32_t>(std::min<uint64_t>(seen.map_count, UINT32_MAX)));
  if (KindOfFrame(seen.flags) == FrameKind::kFree) record_.was_free = 1;
  // What is let go between two looks.
  if (const auto left = pages_.TakeLeft(record_.frame)) {
    if (*left == 0) record_.was_free = 1;
    if (*left > 0) record_.most_mapped = std::max<uint32_t>(record_.most_mapped, 2);
  }
  goes_on_ = record_.most_mapped <= 1 && record_.was_free == 0;
  return goes_on_;
}

void FrameWatch::LookUntil(const TimeBox& box) {
  while (Look() && !box.Ended()) poll(nullptr, 0, /*timeout=*/1);
}

}  // namespace dmaheap

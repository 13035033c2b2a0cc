#include "tests/policy_lab/pin_feed.h"

#include <algorithm>

namespace dmaheap::policy_lab {
namespace {

// Longer than the area takes to look at its pages again, and shorter than any backoff.
constexpr absl::Duration kInstant = absl::Microseconds(100);

// A number in [0, 1) that belongs to the two (SplitMix64): the same pin is in the cgroup for every
// policy.
double Lot(uint64_t seed, uint64_t number) {
  uint64_t x = seed * 0x9e3779b97f4a7c15 + number + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) / static_cast<double>(uint64_t{1} << 53);
}

}  // namespace

PinFeed::PinFeed(const PinTrace& trace, SimulatedArea& area, absl::Duration from,
                 const FrozenShare& share, uint64_t seed)
    : trace_(trace), area_(area), share_(share), seed_(seed) {
  for (Stream& stream : streams_) {
    for (; stream.next < trace.pins.size() && trace.pins[stream.next].start < from; ++stream.next) {
      const Pin& pin = trace.pins[stream.next];
      if (OfCgroup(stream.next) != stream.of_cgroup || pin.start + pin.duration <= from) continue;
      Put(pin, stream);
    }
  }
}

bool PinFeed::OfCgroup(size_t pin) const { return Lot(seed_, pin) < share_.pins; }

// A page that is pinned already stays so for the longer of the two.
void PinFeed::Put(const Pin& pin, const Stream& stream) {
  const absl::Duration since = pin.start + stream.late;
  const absl::Duration until = since + pin.duration;
  Pinned& pinned = pinned_[pin.page];
  if (until <= pinned.until) return;
  pinned = {.since = since <= pinned.until ? pinned.since : since,
            .until = until,
            .stays = pin.stays,
            .of_cgroup = stream.of_cgroup};
  area_.Pin(area_.base_pfn() + pin.page, absl::UnixEpoch() + until).IgnoreError();
}

void PinFeed::AdvanceTo(absl::Duration now) {
  for (Stream& stream : streams_) {
    for (; stream.next < trace_.pins.size(); ++stream.next) {
      const Pin& pin = trace_.pins[stream.next];
      if (pin.start + stream.late > now) break;
      if (OfCgroup(stream.next) == stream.of_cgroup) Put(pin, stream);
    }
  }
}

void PinFeed::StandStill(absl::Duration from, absl::Duration until) {
  AdvanceTo(from);
  const absl::Duration still = until - from;
  ++stands_;
  for (auto& [page, pinned] : pinned_) {
    if (!pinned.of_cgroup || pinned.until <= from) continue;
    const auto lot = static_cast<uint64_t>(page) << 20 | stands_;
    if (Lot(seed_ + 1, lot) >= share_.staying) continue;
    pinned.until += still;
    area_.Pin(area_.base_pfn() + page, absl::UnixEpoch() + pinned.until).IgnoreError();
  }
  for (Stream& stream : streams_) {
    if (stream.of_cgroup) stream.late += still;
  }
}

void PinFeed::PassOver(absl::Duration begin, absl::Duration end) {
  for (const auto& [page, pinned] : pinned_) {
    if (!pinned.stays || pinned.until > end) continue;
    const absl::Duration there = begin + (end - begin) * (static_cast<double>(page) /
                                                          static_cast<double>(trace_.area_pages));
    if (there < pinned.since || there >= pinned.until) continue;
    area_.Pin(area_.base_pfn() + page, absl::UnixEpoch() + end + kInstant).IgnoreError();
  }
}

absl::Duration PinFeed::ReleaseOf(int64_t page, absl::Duration now) const {
  const auto found = pinned_.find(page);
  if (found == pinned_.end()) return now;
  absl::Duration until = std::max(found->second.until, now);
  for (const Stream& stream : streams_) {
    for (size_t i = stream.next; i < trace_.pins.size(); ++i) {
      const Pin& pin = trace_.pins[i];
      if (pin.start + stream.late > until) break;
      if (pin.page != page || OfCgroup(i) != stream.of_cgroup) continue;
      until = std::max(until, pin.start + stream.late + pin.duration);
    }
  }
  return until;
}

}  // namespace dmaheap::policy_lab

// The pins of a trace, put onto an area as time goes by, and held back while the processes that
// cause them stand still.

#ifndef TESTS_POLICY_LAB_PIN_FEED_H_
#define TESTS_POLICY_LAB_PIN_FEED_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "heaps/simulated_area.h"
#include "tests/policy_lab/pin_trace.h"

namespace dmaheap::policy_lab {

// What of a trace a frozen cgroup would have caused.
struct FrozenShare {
  // Of the pins: 0 to 1.
  double pins = 1;
  // Of those in place as the cgroup stands still, the part that stays until it goes on and then
  // lasts as long as it would have: its process stopped halfway. The others end in their time. 0 to
  // 1.
  double staying = 0;
};

class PinFeed {
 public:
  // Both outlive this. The time of the area is that of the trace since the UNIX epoch. What of the
  // trace is over at `from` never was.
  PinFeed(const PinTrace& trace, SimulatedArea& area, absl::Duration from, const FrozenShare& share,
          uint64_t seed);

  // Not back.
  void AdvanceTo(absl::Duration now);

  // The cgroup stands still from then until then: what it would have pinned comes later by as much.
  // Advances to from.
  void StandStill(absl::Duration from, absl::Duration until);

  // An attempt has gone through the area at an even pace, from that time until that, which the feed
  // has advanced to. What it passed over that stays is still there: pins it for an instant more.
  void PassOver(absl::Duration begin, absl::Duration end);

  // When the page has no pin any more, by what is known at that time, which the feed has advanced
  // to; now if it has none.
  absl::Duration ReleaseOf(int64_t page, absl::Duration now) const;

 private:
  struct Stream {
    bool of_cgroup = false;
    size_t next = 0;
    // How much later than in the trace its pins come.
    absl::Duration late = absl::ZeroDuration();
  };
  struct Pinned {
    absl::Duration since;
    absl::Duration until = -absl::InfiniteDuration();
    bool stays = false;
    bool of_cgroup = false;
  };

  bool OfCgroup(size_t pin) const;
  void Put(const Pin& pin, const Stream& stream);

  const PinTrace& trace_;
  SimulatedArea& area_;
  const FrozenShare share_;
  const uint64_t seed_;
  uint64_t stands_ = 0;
  Stream streams_[2] = {{.of_cgroup = false}, {.of_cgroup = true}};
  absl::flat_hash_map<int64_t, Pinned> pinned_;
};

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_PIN_FEED_H_

#include "tests/policy_lab/made_up_traces.h"

#include <algorithm>
#include <initializer_list>
#include <random>

namespace dmaheap::policy_lab {
namespace {

std::vector<absl::Duration> Times(std::initializer_list<int> milliseconds) {
  std::vector<absl::Duration> times;
  for (const int ms : milliseconds) times.push_back(absl::Milliseconds(ms));
  return times;
}

}  // namespace

PinTrace MakeStorm(const Storm& storm) {
  std::mt19937_64 random(storm.seed);
  std::exponential_distribution<double> pause(storm.unmappings_per_second);
  std::exponential_distribution<double> lifetime(1 / absl::ToDoubleSeconds(storm.mean_lifetime));
  std::uniform_int_distribution<int64_t> page(0, storm.area_pages - 1);
  PinTrace trace;
  trace.area_pages = storm.area_pages;
  trace.attempt_times = storm.attempt_times;
  absl::Duration now;
  while ((now += absl::Seconds(pause(random))) < storm.length) {
    const absl::Duration lasts = absl::Seconds(lifetime(random));
    for (int i = 0; i < storm.pages_per_unmapping; ++i) {
      trace.pins.push_back({now, lasts, page(random), storm.pages_stay});
    }
  }
  return trace;
}

Storm ForkStorm() {
  return {.unmappings_per_second = 30,
          .pages_per_unmapping = 2,
          .mean_lifetime = absl::Milliseconds(16),
          .pages_stay = true,
          .attempt_times = Times({4, 7, 10, 17, 23, 31, 38, 45, 63, 80})};
}

Storm ExitStorm() {
  return {.unmappings_per_second = 21,
          .mean_lifetime = absl::Milliseconds(33),
          .attempt_times = Times({10, 19, 31, 54, 78, 117, 132, 137, 171, 189})};
}

PinTrace MakeMixedTrace(uint64_t seed) {
  Storm storm = ForkStorm();
  storm.seed = seed;
  PinTrace trace = MakeStorm(storm);
  for (absl::Duration start = absl::Seconds(5); start < storm.length; start += absl::Seconds(10)) {
    trace.pins.push_back({start, absl::Seconds(2), storm.area_pages / 2, /*stays=*/true});
  }
  std::stable_sort(trace.pins.begin(), trace.pins.end(),
                   [](const Pin& a, const Pin& b) { return a.start < b.start; });
  return trace;
}

}  // namespace dmaheap::policy_lab

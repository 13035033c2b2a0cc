// When which pages of an area were pinned: made up from what a storm is known to be like, or
// recorded, and written as text.
//
//   area_pages 16384
//   # start_us duration_us page
//   0 1250 4711
//   830 97000 16
//
// Lines that begin with # are comments; pins are in the order of their starts.

#ifndef TESTS_POLICY_LAB_PIN_TRACE_H_
#define TESTS_POLICY_LAB_PIN_TRACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dmaheap::policy_lab {

struct Pin {
  // Since the start of the trace.
  absl::Duration start;
  absl::Duration duration;
  // From 0 to the area's.
  int64_t page = 0;

  friend bool operator==(const Pin& a, const Pin& b) = default;
};

struct PinTrace {
  int64_t area_pages = 0;
  std::vector<Pin> pins;

  // When the last pin begins.
  absl::Duration length() const { return pins.empty() ? absl::ZeroDuration() : pins.back().start; }
};

// Pins begin at random, so many a second; how long they last is exponentially distributed.
struct Storm {
  int64_t area_pages = 16384;
  absl::Duration length = absl::Seconds(60);
  double pins_per_second = 0;
  absl::Duration mean_lifetime;
  uint64_t seed = 1;
};
PinTrace MakeStorm(const Storm& storm);

// What was measured on Linux 6.12 under four forking processes: 4 of 10 attempts at the whole area
// fail, and of those that failed 6 of 10 succeed a millisecond later.
Storm ForkStorm();
// Under eight that exit: 1 of 10 fails.
Storm ExitStorm();
// A fork storm, and now and then a page that somebody holds for two seconds.
PinTrace MakeMixedTrace(uint64_t seed);

std::string WriteTrace(const PinTrace& trace);
// kInvalidArgument names the line and what is wrong with it.
absl::StatusOr<PinTrace> ReadTrace(absl::string_view text);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_PIN_TRACE_H_

// Traces of pins that are made up, to be like what was recorded (traces/): no more than that, as a
// record has what nobody thought of.

#ifndef TESTS_POLICY_LAB_MADE_UP_TRACES_H_
#define TESTS_POLICY_LAB_MADE_UP_TRACES_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "tests/policy_lab/pin_trace.h"

namespace dmaheap::policy_lab {

// Processes unmap pages at random, so many times a second, each time some pages at random places.
// How long these are pinned is exponentially distributed, and the same for all of them.
struct Storm {
  int64_t area_pages = 16384;
  absl::Duration length = absl::Seconds(60);
  double unmappings_per_second = 0;
  int pages_per_unmapping = 4;
  absl::Duration mean_lifetime;
  // As of Pin.
  bool pages_stay = false;
  std::vector<absl::Duration> attempt_times = {};
  uint64_t seed = 1;
};
PinTrace MakeStorm(const Storm& storm);

// Four processes that fork, eight that exit, in the virtual machine (Linux 6.12, two emulated
// processors). What was recorded of them, and what of that is not so here:
//  - Pins last 14 and 27 ms in the middle, and 64 and 152 ms one time in a hundred, as a process
//    that exits is put off the processor between taking its pages out and letting them go. Here 11
//    and 23, and 74 and 152. Not about a millisecond, as was believed before there was a record.
//  - A page at least is pinned for half of the time. Here for 0.38 and 0.50 of it.
//  - Of the pages in the records 3 of 4 stay under forks, and 6 of 7 are freed under exits. Here
//    all.
//  - A process lets go of hundreds of pages at once. Here of two and four, at random places: that
//    many meet an attempt at the whole area as often as those do. Requests for less meet fewer.
//  - So first attempts fail as often as over the records, in 55 and 51 of 100 cases
//    (recorded_traces_test.cc).
//  - The storm goes slower while somebody allocates. Here it does not mind.
// Both were recorded on a busy machine, where all takes longer: on a quiet one the pins lasted 14
// ms in the middle under exits too.
Storm ForkStorm();
Storm ExitStorm();
// A fork storm, and now and then a page that somebody holds for two seconds.
PinTrace MakeMixedTrace(uint64_t seed);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_MADE_UP_TRACES_H_

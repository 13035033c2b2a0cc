// From what was measured under storms to the rows of the report: names, bounds, notes, and whether
// the run proves anything at all.

#ifndef TESTS_BENCH_STORM_ROWS_H_
#define TESTS_BENCH_STORM_ROWS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/report.h"
#include "tests/bench/storm_record.h"

namespace dmaheap::bench {

// How often the bare ioctl has to fail in the fork storm: below, the storm is none, and that nobody
// lost an attempt in it means nothing.
inline constexpr double kStormFailsAtLeast = 0.25;

// FAILED_PRECONDITION: the run is void, as its storm was too weak, or as the OOM killer ended part
// of it.
absl::Status CheckStorm(const StormRecord& record);

// SCENARIO.CONTENDER.METRIC, in the order of the record. Times are of the attempts that succeeded,
// absent if none did; tries are of all. The daemon's are bounded by what the others took in the
// fork storm. In the scenario "barrier": how many barriers cured, and for how long the cgroup stood
// still. A scenario in which the OOM killer acted has none.
std::vector<Row> StormRows(const StormRecord& record);

// What the rows do not say: how many attempts, how much memory was free.
std::vector<std::string> StormNotes(const StormRecord& record);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_STORM_ROWS_H_

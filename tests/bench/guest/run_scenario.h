// Has the contenders try under one scenario, in turns, so that whatever disturbs the machine
// disturbs all of them alike.

#ifndef TESTS_BENCH_GUEST_RUN_SCENARIO_H_
#define TESTS_BENCH_GUEST_RUN_SCENARIO_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tests/bench/guest/contender_process.h"
#include "tests/bench/guest/freeze_trace.h"
#include "tests/bench/guest/storm_scenarios.h"
#include "tests/bench/storm_record.h"

namespace dmaheap::bench {

using Contenders = absl::Span<const std::unique_ptr<ContenderProcess>>;

// Adds to record. That a contender gave up is a
// finding; that the trouble did not come about, or that a contender's process ended, is an error.
absl::Status RunScenario(const Scenario& scenario, Contenders contenders, FreezeTrace& trace,
                         StormRecord& record);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_RUN_SCENARIO_H_

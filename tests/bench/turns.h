// How long one operation of each of several contenders takes, measured so that they can be
// compared: they take turns of a few milliseconds, and what disturbs the machine disturbs all.

#ifndef TESTS_BENCH_TURNS_H_
#define TESTS_BENCH_TURNS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tests/bench/operation.h"

namespace dmaheap::bench {

// In a turn a contender does its operation so often, one right after the other: what a server still
// does after its answer is then felt by the next call to that same server, as in real life.
inline constexpr int kOperationsPerTurn = 16;
// The first of a turn are not counted: they feel what the contender before left behind.
inline constexpr int kUncountedPerTurn = 2;

// Microseconds of each counted operation, by contender. Adds to what is there: called again and
// again, in between other measurements, it spreads the samples over the whole run.
using Samples = std::vector<std::vector<double>>;

// Whole rounds of one turn each, at least one, until time is over. The order changes from round to
// round, so that nobody is always behind the same. One sample vector for each contender is made if
// missing.
absl::Status TakeTurns(absl::Span<const Operation> contenders, absl::Duration time,
                       Samples& microseconds);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_TURNS_H_

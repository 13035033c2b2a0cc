// From what was measured of allocations to the rows of the report: names, bounds, notes.

#ifndef TESTS_BENCH_ALLOC_ROWS_H_
#define TESTS_BENCH_ALLOC_ROWS_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "tests/bench/parallel.h"
#include "tests/bench/report.h"
#include "tests/bench/resident_memory.h"
#include "tests/bench/turns.h"

namespace dmaheap::bench {

// Who takes turns, in the order of the samples.
enum AllocContender { kDmaheapd, kGrpcFloor, kRawSeqpacket, kAllocContenders };

// What the figures have to keep to (design.md and the issue of the first benchmark).
inline constexpr double kLatencyOverFloor = 1.5;
inline constexpr double kThroughputOfFloor = 0.7;
inline constexpr double kBrokerStartMib = 24;

struct AllocMeasurements {
  // By contender, of one client.
  Samples us_4k;
  Samples us_8m;
  // Of 16 clients.
  Throughput dmaheapd_x16;
  Throughput grpc_floor_x16;
  // Of the daemon before its first client.
  ResidentMemory broker;
  ResidentMemory keeper;
  ResidentMemory prober;
  // Absent: not root, and one user may not have so many.
  absl::optional<ResidentMemory> broker_with_sessions;
  // After all of it.
  ResidentMemory broker_at_end;
};

std::vector<Row> AllocRows(const AllocMeasurements& measured);

// What the rows do not say: one client's throughput, and memory beside the broker's.
std::vector<std::string> AllocNotes(const AllocMeasurements& measured);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_ALLOC_ROWS_H_

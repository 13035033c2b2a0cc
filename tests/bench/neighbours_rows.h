// From what was measured of neighbours to the rows of the report, and whether it proves anything.

#ifndef TESTS_BENCH_NEIGHBOURS_ROWS_H_
#define TESTS_BENCH_NEIGHBOURS_ROWS_H_

#include <vector>

#include "absl/status/status.h"
#include "tests/bench/neighbours_record.h"
#include "tests/bench/report.h"

namespace dmaheap::bench {

// FAILED_PRECONDITION: the run is void, as the large request was not stuck, or nobody tried it.
absl::Status CheckNeighbours(const NeighboursRecord& record);

// neighbours.{quiet,busy}.{p50,p99}_ms of the small requests; neighbours.large.{longest_ms,
// worker_share} of the attempts at the large one.
std::vector<Row> NeighboursRows(const NeighboursRecord& record);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_NEIGHBOURS_ROWS_H_

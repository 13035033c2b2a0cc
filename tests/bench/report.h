// What a benchmark found: named figures, some of them with a bound to keep.

#ifndef TESTS_BENCH_REPORT_H_
#define TESTS_BENCH_REPORT_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "tests/bench/machine.h"

namespace dmaheap::bench {

struct Bound {
  enum class Side { kAtMost, kAtLeast };

  Side side = Side::kAtMost;
  double limit = 0;
  // Where the limit comes from, if it is not a fixed number: "1.5 x grpc_floor".
  std::string origin;
};

struct Row {
  std::string name;
  // Absent: could not be measured here; a note says why.
  absl::optional<double> value;
  std::string unit;
  absl::optional<Bound> bound;
};

struct Report {
  std::string benchmark;
  Machine machine;
  std::vector<Row> rows;
  // For a person: what the rows do not say. One line each.
  std::vector<std::string> notes;
};

// The bound is kept, or there is none. A bound on what was not measured is not kept.
bool IsOk(const Row& row);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_REPORT_H_

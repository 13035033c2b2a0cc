// What is said of many measured times of one operation.

#ifndef TESTS_BENCH_DISTRIBUTION_H_
#define TESTS_BENCH_DISTRIBUTION_H_

#include <cstddef>
#include <vector>

#include "absl/types/optional.h"

namespace dmaheap::bench {

struct Distribution {
  size_t count = 0;
  double mean = 0;
  double p50 = 0;
  double p99 = 0;
  double max = 0;
};

// Percentiles by nearest rank: each is a sample that was measured, none is made up between two.
// Absent for no samples.
absl::optional<Distribution> Describe(std::vector<double> samples);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_DISTRIBUTION_H_

// How sure a comparison of two means is, from the samples alone: the percentile bootstrap (Efron,
// Tibshirani: An Introduction to the Bootstrap, chapter 13).

#ifndef TESTS_BENCH_BOOTSTRAP_H_
#define TESTS_BENCH_BOOTSTRAP_H_

#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace dmaheap::bench {

struct Interval {
  double ratio = 0;
  // In 95 of 100 repetitions the ratio would lie between these.
  double low = 0;
  double high = 0;
};

// Of the mean of samples to the mean of others. Absent where either has no samples, or the others'
// mean is zero. The same samples give the same interval.
absl::optional<Interval> RatioOfMeans(absl::Span<const double> samples,
                                      absl::Span<const double> others);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_BOOTSTRAP_H_

#include "tests/bench/distribution.h"

#include <algorithm>
#include <numeric>

namespace dmaheap::bench {
namespace {

// The smallest sample that percent of all are not above. In whole numbers: 0.99 * 100 is not 99.
double PercentileOf(const std::vector<double>& sorted, size_t percent) {
  const size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<size_t>(rank, 1) - 1];
}

}  // namespace

absl::optional<Distribution> Describe(std::vector<double> samples) {
  if (samples.empty()) return absl::nullopt;
  std::sort(samples.begin(), samples.end());
  Distribution distribution;
  distribution.count = samples.size();
  distribution.mean =
      std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
  distribution.p50 = PercentileOf(samples, 50);
  distribution.p99 = PercentileOf(samples, 99);
  distribution.max = samples.back();
  return distribution;
}

}  // namespace dmaheap::bench

#include "tests/bench/bootstrap.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <random>
#include <vector>

namespace dmaheap::bench {
namespace {

constexpr size_t kResamples = 2000;

double Mean(absl::Span<const double> samples) {
  return std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
}

double MeanOfResample(absl::Span<const double> samples, std::minstd_rand& random) {
  std::uniform_int_distribution<size_t> any(0, samples.size() - 1);
  double sum = 0;
  for (size_t i = 0; i < samples.size(); ++i) sum += samples[any(random)];
  return sum / static_cast<double>(samples.size());
}

}  // namespace

absl::optional<Interval> RatioOfMeans(absl::Span<const double> samples,
                                      absl::Span<const double> others) {
  if (samples.empty() || others.empty() || Mean(others) == 0) return absl::nullopt;
  std::minstd_rand random;
  std::vector<double> ratios;
  for (size_t i = 0; i < kResamples; ++i) {
    const double other = MeanOfResample(others, random);
    // Others with zeros among them may be drawn as nothing but zeros.
    if (other != 0) ratios.push_back(MeanOfResample(samples, random) / other);
  }
  std::sort(ratios.begin(), ratios.end());
  return Interval{.ratio = Mean(samples) / Mean(others),
                  .low = ratios[ratios.size() * 25 / 1000],
                  .high = ratios[ratios.size() * 975 / 1000]};
}

}  // namespace dmaheap::bench

#include "tests/bench/turns.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <numeric>
#include <random>

namespace dmaheap::bench {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

absl::Status TakeTurns(absl::Span<const Operation> contenders, absl::Duration time,
                       Samples& microseconds) {
  microseconds.resize(std::max(microseconds.size(), contenders.size()));
  std::vector<size_t> order(contenders.size());
  std::iota(order.begin(), order.end(), 0);
  // Without a seed of its own: two runs do the same.
  std::minstd_rand random;
  const Clock::time_point end = Clock::now() + absl::ToChronoNanoseconds(time);
  do {
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t contender : order) {
      for (int i = 0; i < kUncountedPerTurn + kOperationsPerTurn; ++i) {
        const Clock::time_point begin = Clock::now();
        if (absl::Status status = contenders[contender](); !status.ok()) return status;
        const std::chrono::duration<double, std::micro> taken = Clock::now() - begin;
        if (i >= kUncountedPerTurn) microseconds[contender].push_back(taken.count());
      }
    }
  } while (Clock::now() < end);
  return absl::OkStatus();
}

}  // namespace dmaheap::bench

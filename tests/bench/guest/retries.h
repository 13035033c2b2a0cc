// How often somebody without a daemon tries: a pure function, no clock.

#ifndef TESTS_BENCH_GUEST_RETRIES_H_
#define TESTS_BENCH_GUEST_RETRIES_H_

#include <limits>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap::bench {

struct Retries {
  // The first counts.
  int max_tries = std::numeric_limits<int>::max();
  absl::Duration pause = absl::ZeroDuration();
  absl::Duration deadline = absl::InfiniteDuration();
};

// How long to wait before the next try, after tries that failed and took so long in all; absent:
// give up, as there were enough or the next would come after the deadline.
absl::optional<absl::Duration> NextPause(const Retries& retries, int tries, absl::Duration elapsed);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_RETRIES_H_

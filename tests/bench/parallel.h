// How often an operation is done when many do it at once.

#ifndef TESTS_BENCH_PARALLEL_H_
#define TESTS_BENCH_PARALLEL_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tests/bench/operation.h"

namespace dmaheap::bench {

// What was done in what time. Several make one: the busy time counts, not the pauses between.
struct Throughput {
  int64_t operations = 0;
  absl::Duration time;

  Throughput& operator+=(const Throughput& other) {
    operations += other.operations;
    time += other.time;
    return *this;
  }
  double per_second() const {
    return time > absl::ZeroDuration() ? static_cast<double>(operations) / ToDoubleSeconds(time)
                                       : 0;
  }
};

// Every client does its operation in a thread of its own, at least once and then again until time
// is over; all begin together, and the time ends with the last. With the first error all stop, and
// it is returned.
absl::StatusOr<Throughput> RunInParallel(absl::Span<const Operation> clients, absl::Duration time);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_PARALLEL_H_

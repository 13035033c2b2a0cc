// What is measured: one round of something, from its begin to its end.

#ifndef TESTS_BENCH_OPERATION_H_
#define TESTS_BENCH_OPERATION_H_

#include <functional>

#include "absl/status/status.h"

namespace dmaheap::bench {

// Blocks until it is done. An error ends the measurement.
using Operation = std::function<absl::Status()>;

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_OPERATION_H_

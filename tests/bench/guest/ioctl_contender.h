// A process that has the heap node itself and tries as often as it likes. Root.

#ifndef TESTS_BENCH_GUEST_IOCTL_CONTENDER_H_
#define TESTS_BENCH_GUEST_IOCTL_CONTENDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/guest/contender.h"
#include "tests/bench/guest/retries.h"

namespace dmaheap::bench {

absl::StatusOr<std::unique_ptr<Contender>> MakeIoctlContender(const Retries& retries);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_IOCTL_CONTENDER_H_

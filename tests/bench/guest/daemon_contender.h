// A client of the daemon, through the C++ library, as a HAL is one.

#ifndef TESTS_BENCH_GUEST_DAEMON_CONTENDER_H_
#define TESTS_BENCH_GUEST_DAEMON_CONTENDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/guest/contender.h"

namespace dmaheap::bench {

// Asks for linux,cma-nofail, by this retry policy; empty for the heap's own.
absl::StatusOr<std::unique_ptr<Contender>> MakeDaemonContender(std::string retry_policy);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_DAEMON_CONTENDER_H_

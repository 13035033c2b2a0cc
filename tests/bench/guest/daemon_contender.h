// A client of the daemon, through the C++ library, as a HAL is one.

#ifndef TESTS_BENCH_GUEST_DAEMON_CONTENDER_H_
#define TESTS_BENCH_GUEST_DAEMON_CONTENDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/guest/contender.h"

namespace dmaheap::bench {

// heap: by the name under which the daemon offers the area.
absl::StatusOr<std::unique_ptr<Contender>> MakeDaemonContender(const std::string& heap);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_DAEMON_CONTENDER_H_

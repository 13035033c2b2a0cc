// Who takes part in the storm benchmark. One more is one more line in the source.

#ifndef TESTS_BENCH_GUEST_STORM_CONTENDERS_H_
#define TESTS_BENCH_GUEST_STORM_CONTENDERS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/guest/contender.h"

namespace dmaheap::bench {

struct ContenderKind {
  // In the rows of the report.
  std::string name;
  // Whose process it is.
  uid_t uid = 0;
  // Called in that process.
  std::function<absl::StatusOr<std::unique_ptr<Contender>>()> make;
};

std::vector<ContenderKind> StormContenders();

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_STORM_CONTENDERS_H_

// What the kernel counts of the area. Root, for debugfs.

#ifndef TESTS_BENCH_GUEST_AREA_USE_H_
#define TESTS_BENCH_GUEST_AREA_USE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace dmaheap::bench {

// How often it was asked for the whole area in vain since the boot: nobody's own word, and the same
// for all contenders. Who asked for less in between counts by its part.
absl::StatusOr<int64_t> FailedTries();

// Until nothing of the area is allocated. DEADLINE_EXCEEDED: something still is after patience.
absl::Status WaitUntilFree(absl::Duration patience);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_AREA_USE_H_

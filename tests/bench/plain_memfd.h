// The memory that the servers hand out with which the daemon is compared.

#ifndef TESTS_BENCH_PLAIN_MEMFD_H_
#define TESTS_BENCH_PLAIN_MEMFD_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap::bench {

// Made by the very function that makes the daemon's simulated buffers, with a name as long: the
// same size, seals and flags. Nothing is zeroed here or there; a memfd's pages come, zeroed, when
// they are touched. What the daemon does beyond it (finding frames in the area, a watch on the
// memory's end, the books) is what it is measured for.
absl::StatusOr<UniqueFd> MakePlainMemfd(int64_t size_bytes);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_PLAIN_MEMFD_H_

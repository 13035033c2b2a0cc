// Giving up root, for a client as production has them.

#ifndef TESTS_BENCH_BECOME_USER_H_
#define TESTS_BENCH_BECOME_USER_H_

#include <sys/types.h>

#include "absl/status/status.h"

namespace dmaheap::bench {

// For good: this process is uid from now on, in the group of that number and in no other, without a
// capability.
absl::Status BecomeUser(uid_t uid);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_BECOME_USER_H_

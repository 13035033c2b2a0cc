// Many clients at once, of one user: the daemon gives a user 32 sessions, so a hundred need several
// such processes.

#ifndef TESTS_BENCH_SESSION_CROWD_H_
#define TESTS_BENCH_SESSION_CROWD_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"

namespace dmaheap::bench {

// The life of a child process: becomes user uid, for which it must be root, and connects so many
// clients. Each has got and released one buffer, so that all that a session has is made. Stays
// connected until the parent ends.
absl::Status RunSessionCrowd(const std::string& socket_dir, uid_t uid, int sessions);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_SESSION_CROWD_H_

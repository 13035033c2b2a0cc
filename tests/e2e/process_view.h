// What /proc says of another process, for tests that watch one from outside.

#ifndef TESTS_E2E_PROCESS_VIEW_H_
#define TESTS_E2E_PROCESS_VIEW_H_

#include <sys/types.h>

#include <set>

#include "absl/time/time.h"

namespace dmaheap {

// The numbers of its open fds; empty if it is gone.
std::set<int> OpenFdsOf(pid_t pid);

// Processor time that it has spent.
absl::Duration CpuTimeOf(pid_t pid);

// Its soft RLIMIT_NOFILE; -1 if it is gone.
int FdLimitOf(pid_t pid);

}  // namespace dmaheap

#endif  // TESTS_E2E_PROCESS_VIEW_H_

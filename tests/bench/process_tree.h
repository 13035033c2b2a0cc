// Processes and threads of others, as /proc has them.

#ifndef TESTS_BENCH_PROCESS_TREE_H_
#define TESTS_BENCH_PROCESS_TREE_H_

#include <sys/types.h>

#include <vector>

#include "absl/strings/string_view.h"

namespace dmaheap::bench {

// The child of parent that was started with word; -1 if there is none.
pid_t ChildWith(pid_t parent, absl::string_view word);

// The first process that was started with word; -1 if there is none.
pid_t ProcessWith(absl::string_view word);

// Those of a process, in the order of their numbers; empty if there is none.
std::vector<pid_t> ThreadsOf(pid_t pid);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_PROCESS_TREE_H_

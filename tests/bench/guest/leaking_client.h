// A client of the daemon, as a process and a user of its own, that takes buffers and gives none
// back.

#ifndef TESTS_BENCH_GUEST_LEAKING_CLIENT_H_
#define TESTS_BENCH_GUEST_LEAKING_CLIENT_H_

#include <memory>

#include "tests/vm/tools/trouble.h"

namespace dmaheap::bench {

// The word that makes this program that client: PROGRAM kLeakWord UID.
inline constexpr char kLeakWord[] = "leak";

// Each under another uid: what one has taken is not held against the next.
std::unique_ptr<Trouble> MakeLeakingClient();

// The client's side: returns its exit code.
int RunLeakingClient(const char* uid);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_LEAKING_CLIENT_H_

// The process that forks scouts for the prober, and the loop of a scout.
//
// A scout looks where another process may hold it: it waits for locks of that one, which no signal
// ends, and so must be a process that can be done without (scouts.h). Neither the prober nor the
// keeper forks them. For the prober that would take the system calls to make processes and to kill
// them, by number, and so the broker, which is of the same account; it parses what any process of
// the machine writes, and keeps the list of calls that it had (sandbox.h). For the keeper, which
// has all privileges, it would be one more socket to hear, a third kind of child and fds to hand
// over while it serves. So the prober forks a zygote before it enters its sandbox, as Android's
// applications come from one: it hears a message of four bytes without content, forks, kills
// nothing but its own children, and reads nothing else.
//
// The zygote and the scouts have the prober's account, capabilities and cgroup, and lists of system
// calls of their own. They hold one socket each, log nothing, and end with the other end of it;
// with the prober, the kernel ends all (PR_SET_PDEATHSIG).

#ifndef DAEMON_DIAGNOSIS_PROBER_SCOUT_ZYGOTE_H_
#define DAEMON_DIAGNOSIS_PROBER_SCOUT_ZYGOTE_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "daemon/diagnosis/prober/scout_wire.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// Scouts that there are at once, those that were left behind among them.
inline constexpr int kMostScouts = 4;

// What a scout does with a question; file: borrowed.
using ScoutFunction = ScoutAnswer (*)(const ScoutQuestion& question, const UniqueFd& file);

struct ScoutZygote {
  pid_t pid = 0;
  // Takes ScoutWanted, gives ScoutStarted.
  UniqueFd socket;
};

// Forks it. The process must have one thread. Errors carry the errno.
absl::StatusOr<ScoutZygote> StartScoutZygote(ScoutFunction look);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_SCOUT_ZYGOTE_H_

// What the prober may still ask the kernel for, once it has begun, and what its scouts and their
// zygote may (scout_zygote.h): allow-lists by seccomp.
//
// The capabilities let them look; these lists keep them from doing anything else. The prober can
// open files for reading only, can neither make a socket nor a pipe nor a process, can not signal,
// trace, mount or map code. A scout can make a pipe and copy another's pages into it beside, and
// nothing more. The zygote can fork (no thread, no namespace), send SIGKILL by number, make a pair
// of sockets, and give a scout its list: all that a scout may is on the zygote's too, as a list can
// only be shortened. Any other system call kills the process (SECCOMP_RET_KILL_PROCESS), and the
// keeper's log then says signal=31 of the prober.

#ifndef DAEMON_DIAGNOSIS_PROBER_SANDBOX_H_
#define DAEMON_DIAGNOSIS_PROBER_SANDBOX_H_

#include "absl/status/status.h"

namespace dmaheap {

// For good, for this process and those that it forks. Sets no_new_privs too. Errors carry the
// errno: EINVAL or ENOSYS where the kernel has no CONFIG_SECCOMP_FILTER.
absl::Status EnterProberSandbox();
absl::Status EnterScoutSandbox();
absl::Status EnterZygoteSandbox();

// The kernel has none.
bool IsWithoutSeccomp(const absl::Status& sandbox);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_SANDBOX_H_

// What the prober may still ask the kernel for, once it has begun: an allow-list by seccomp.
//
// The capabilities let it look; this list keeps it from doing anything else. It can open files for
// reading only, can neither make a socket nor a process, can not signal, trace, mount or map code.
// Any other system call kills the process (SECCOMP_RET_KILL_PROCESS), and the keeper's log then
// says signal=31.

#ifndef DAEMON_DIAGNOSIS_PROBER_SANDBOX_H_
#define DAEMON_DIAGNOSIS_PROBER_SANDBOX_H_

#include "absl/status/status.h"

namespace dmaheap {

// For good, for this process. Sets no_new_privs too. Errors carry the errno: EINVAL or ENOSYS where
// the kernel has no CONFIG_SECCOMP_FILTER.
absl::Status EnterProberSandbox();

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_SANDBOX_H_

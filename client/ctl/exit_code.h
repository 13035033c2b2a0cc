// What dmaheapctl tells the shell. A pure function.

#ifndef CLIENT_CTL_EXIT_CODE_H_
#define CLIENT_CTL_EXIT_CODE_H_

#include "absl/status/status.h"

namespace dmaheap::ctl {

enum ExitCode : int {
  kExitOk = 0,
  kExitOther = 1,
  // The command line is wrong, or asks for what can never be: a size of 0, more than the heap has.
  // Of policy check: the policy is wrong.
  kExitUsage = 2,
  kExitUnreachable = 3,
  kExitPermission = 4,
  kExitNotFound = 5,
  // Exhausted or unavailable: later it may work.
  kExitUnavailable = 6,
  kExitDeadline = 7,
  // 128 and the number of the signal, as shells do: SIGINT is 2.
  kExitInterrupted = 130,
};

// By reason where it says more than the code: DAEMON_UNREACHABLE is not any UNAVAILABLE, and a
// wrong policy file is no wrong command line.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_EXIT_CODE_H_

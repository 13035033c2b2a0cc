// Who a process is, as /proc tells: for reports, never for decisions.

#ifndef DAEMON_DIAGNOSIS_PROBER_PROCESS_IDENTITY_H_
#define DAEMON_DIAGNOSIS_PROBER_PROCESS_IDENTITY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/diagnosis/prober/prober_wire.h"

namespace dmaheap {

struct ProcessIdentity {
  // Owner of /proc/PID: its effective user id, but 0 for one that may not be dumped (proc(5));
  // kNoUid where it was not read.
  uint32_t uid = kNoUid;
  // /proc/PID/comm: untrusted text. Ends with a NUL byte.
  char name[kProcessNameBytes] = {};
};

// Whether it runs a program: the kernel's own threads, of which a machine has dozens, do not, and
// neither does a process whose memory is gone already. proc: the folder /proc, borrowed.
bool RunsAProgram(int proc, const std::string& pid);

// process: the opened folder /proc/PID, borrowed. It is of one process for good, also when the
// number has gone to another one. Waits for no lock of that process for longer than a few
// milliseconds.
ProcessIdentity ReadProcessIdentity(int process);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROCESS_IDENTITY_H_

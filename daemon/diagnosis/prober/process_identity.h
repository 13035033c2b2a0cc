// Who a process is, as /proc tells: for reports, never for decisions.

#ifndef DAEMON_DIAGNOSIS_PROBER_PROCESS_IDENTITY_H_
#define DAEMON_DIAGNOSIS_PROBER_PROCESS_IDENTITY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/prober_wire.h"

namespace dmaheap {

// Whether it runs a program: the kernel's own threads, of which a machine has dozens, do not, and
// neither does a process whose memory is gone already. proc: the folder /proc, borrowed.
bool RunsAProgram(int proc, const std::string& pid);

// process: the opened folder /proc/PID, borrowed. It is of one process for good, also when the
// number has gone to another one. Waits for no lock of that process for longer than a few
// milliseconds, and reads nothing from its memory, such as its command line, for which a process
// can make the reader wait.
ProcessRecord DescribeProcess(int process, int32_t pid);

// Of a text that is longer than its place the end, after "...". Ends with a NUL byte.
void PutText(absl::string_view text, char* place, size_t bytes);

// The path in the hierarchy of version 2 ("0::/system.slice"), from /proc/PID/cgroup; without one,
// that of the first line (cgroups(7)). Pure.
absl::string_view CgroupPathOf(absl::string_view text);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROCESS_IDENTITY_H_

// Programs without which a machine does not get on for an instant, and so must not be frozen: a
// pure function of a process's name.

#ifndef DAEMON_DIAGNOSIS_PROBER_VITAL_PROCESS_H_
#define DAEMON_DIAGNOSIS_PROBER_VITAL_PROCESS_H_

#include "absl/strings/string_view.h"

namespace dmaheap {

// Whether a name as in /proc/PID/comm, at most 15 characters, is that of an init, a service manager
// or a logger. A process may take such a name, and then only keeps its own cgroup from being
// frozen.
bool IsVitalName(absl::string_view comm);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_VITAL_PROCESS_H_

// What the keeper asks of the kernel for itself and its children: fds, memory, mercy.

#ifndef DAEMON_KEEPER_PROCESS_LIMITS_H_
#define DAEMON_KEEPER_PROCESS_LIMITS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dmaheap {

// Fds that the broker may have: 256 sessions with two sockets and a window of 32 un-read fds each
// would be 8704, and they do not all have full windows at once.
inline constexpr uint64_t kWantedFds = 8192;

// The keeper and the broker hold what clients can not get again; before them almost everything else
// may go. Not -1000: a daemon that leaks must still be stoppable by the kernel.
inline constexpr int kServingOomScore = -900;
// A prober is restarted at no loss.
inline constexpr int kProberOomScore = 0;

// Raises the soft RLIMIT_NOFILE to kWantedFds, or to the hard limit if that is lower; children
// inherit it. Returns what is in force.
absl::StatusOr<uint64_t> RaiseFdLimit();

// Writes /proc/self/oom_score_adj. EACCES without CAP_SYS_RESOURCE, if score is lower than now.
absl::Status SetOomScore(int score);

// Keeps this process's memory from being paged out, as it is touched. EPERM or ENOMEM without
// CAP_IPC_LOCK, if RLIMIT_MEMLOCK is too low.
absl::Status LockMemory();

// Changes how much of a busy processor this process gets beside others; children and later threads
// inherit it (setpriority(2)). EACCES without CAP_SYS_NICE, if nice is lower than now.
absl::Status SetNice(int nice);

// Lets this thread run before all ordinary ones (SCHED_FIFO), or as they do: for the milliseconds
// in which others wait for it. Children begin as ordinary ones. EPERM without CAP_SYS_NICE.
absl::Status SetRealTime(bool on);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_PROCESS_LIMITS_H_

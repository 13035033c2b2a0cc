// Where a process comes from, as /proc tells.

#ifndef DAEMON_DIAGNOSIS_PROBER_PROCESS_ORIGIN_H_
#define DAEMON_DIAGNOSIS_PROBER_PROCESS_ORIGIN_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// From /proc/PID/stat; fs/proc/array.c, do_task_stat.
struct ProcessOrigin {
  int32_t parent = 0;
  // After the boot (CLOCK_BOOTTIME), rounded down to a tick.
  absl::Duration began = absl::ZeroDuration();
};

// Pure; ticks: of sysconf(_SC_CLK_TCK). Absent for a text that is none.
absl::optional<ProcessOrigin> ParseProcessOrigin(absl::string_view stat, int64_t ticks);

// process: the opened folder /proc/PID, borrowed. Absent where it is gone.
absl::optional<ProcessOrigin> ReadProcessOrigin(int process, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROCESS_ORIGIN_H_

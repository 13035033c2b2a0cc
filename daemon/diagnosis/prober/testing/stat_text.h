// /proc/PID/stat of a made-up process; fs/proc/array.c, do_task_stat.

#ifndef DAEMON_DIAGNOSIS_PROBER_TESTING_STAT_TEXT_H_
#define DAEMON_DIAGNOSIS_PROBER_TESTING_STAT_TEXT_H_

#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"

namespace dmaheap {

// began: seconds after the boot.
inline std::string StatText(int pid, int parent, double began, const std::string& name = "app") {
  return absl::StrFormat("%d (%s) S %d 1 1 0 -1 4194304 90 0 0 0 1 2 0 0 20 0 1 0 %d 4096 12\n",
                         pid, name, parent, static_cast<int64_t>(began * sysconf(_SC_CLK_TCK)));
}

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_TESTING_STAT_TEXT_H_

#include "daemon/keeper/process_limits.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {

absl::StatusOr<uint64_t> RaiseFdLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus(errno, "getrlimit(NOFILE)");
  const rlim_t wanted = std::min<rlim_t>(kWantedFds, limit.rlim_max);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus(errno, "setrlimit(NOFILE)");
  }
  return limit.rlim_cur;
}

absl::Status SetOomScore(int score) {
  const UniqueFd file(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "opening /proc/self/oom_score_adj");
  const std::string text = absl::StrCat(score);
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ErrnoStatus(errno, absl::StrCat("writing ", score, " to /proc/self/oom_score_adj"));
  }
  return absl::OkStatus();
}

absl::Status LockMemory() {
  // MCL_ONFAULT: pages that nobody touches (most of the libraries) stay out.
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    return ErrnoStatus(errno, "mlockall");
  }
  return absl::OkStatus();
}

absl::Status SetNice(int nice) {
  if (setpriority(PRIO_PROCESS, 0, nice) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("setpriority to nice ", nice));
}

absl::Status SetRealTime(bool on) {
  sched_param parameters = {};
  // The least of them is before every ordinary one.
  parameters.sched_priority = on ? sched_get_priority_min(SCHED_FIFO) : 0;
  if (sched_setscheduler(0, on ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER, &parameters) !=
      0) {
    return ErrnoStatus(errno, "sched_setscheduler");
  }
  return absl::OkStatus();
}

}  // namespace dmaheap

#include "daemon/keeper/thaw.h"

#include <poll.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/keeper/barrier_keeper.h"
#include "daemon/keeper/files.h"
#include "daemon/log.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// A thaw takes less than a millisecond; one that waits for a cgroup above never ends.
constexpr absl::Duration kPatience = absl::Seconds(1);

absl::Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

int Thaw(const Options& options) {
  BarrierKeeper::Setup setup;
  setup.socket_dir = options.socket_dir;
  setup.clock = Now;
  BarrierKeeper barrier(std::move(setup));
  barrier.TakeUp();
  const absl::Time end = Now() + kPatience;
  while (!barrier.idle() && Now() < end) {
    std::vector<pollfd> polls;
    barrier.AddPolls(polls);
    const timespec timeout =
        absl::ToTimespec(std::max(std::min(barrier.deadline(), end) - Now(), absl::ZeroDuration()));
    ppoll(polls.data(), polls.size(), &timeout, nullptr);
    barrier.Turn({});
  }
  return barrier.idle() && !barrier.left_over() ? 0 : 1;
}

}  // namespace

int RunThaw(const Options& options) {
  absl::StatusOr<LockFile> lock = LockFile::Acquire(absl::StrCat(options.socket_dir, "/lock"));
  if (absl::IsNotFound(lock.status())) return 0;
  if (!lock.ok()) {
    const bool other = absl::IsAlreadyExists(lock.status());
    spdlog::log(other ? spdlog::level::info : spdlog::level::err, "event=not_thawed {}",
                LogStatus(lock.status()));
    return other ? 0 : 1;
  }
  const int code = Thaw(options);
  lock->Remove();
  return code;
}

}  // namespace dmaheap

#include "daemon/keeper/keeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/keeper/fd_store.h"
#include "daemon/keeper/privileges.h"
#include "daemon/keeper/process_limits.h"
#include "daemon/keeper/resources.h"
#include "daemon/keeper/signals.h"
#include "daemon/keeper/supervisor.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// The keeper's own failures.
constexpr int kExitFailure = 1;

// Descriptors 0, 1 and 2 are where libraries read and write; nothing of ours may land there.
absl::Status OpenStandardFds() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is the one that is missing.
    if (open("/dev/null", O_RDWR) != fd) return ErrnoStatus(errno, "opening /dev/null");
  }
  return absl::OkStatus();
}

absl::Status CheckReadyFd(int fd) {
  if (fd < 0) return absl::OkStatus();
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("--ready-fd ", fd, " is no open fd"));
}

// Says once what this start does without.
void ReportPrivileges(const Account& account) {
  const absl::StatusOr<std::vector<cap_value_t>> have = AvailableCapabilities(kProberCapabilities);
  if (have.ok() && have->size() == std::size(kProberCapabilities)) {
    spdlog::info("event=starting user={} uid={}", LogValue(account.name), account.uid);
    return;
  }
  spdlog::warn(
      "event=starting_unprivileged user={} uid={} note=\"without CAP_SYS_PTRACE, "
      "CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN the prober sees this account's processes only, no "
      "debugfs and no numbers of pages: orphaned buffers can not be attributed, accounting of "
      "simulated buffers is partial, who pins a page is not found; heaps are those that this "
      "account may open. Start as root for all of it\"",
      LogValue(account.name), account.uid);
}

FdStoreLimits AskLimits(const Options& options) {
  FdStoreLimits limits;
  const absl::StatusOr<uint64_t> fds = RaiseFdLimit();
  if (fds.ok()) {
    limits.fds = std::min<size_t>(limits.fds, *fds / 2);
    if (*fds < kWantedFds) {
      spdlog::warn(
          "event=few_fds limit={} wanted={} note=\"raise the hard RLIMIT_NOFILE "
          "(LimitNOFILE= of the unit) for more clients\"",
          *fds, kWantedFds);
    }
  } else {
    spdlog::warn("event=fd_limit_not_raised {}", LogStatus(fds.status()));
  }
  if (const absl::Status status = SetOomScore(kServingOomScore); !status.ok()) {
    spdlog::warn("event=oom_score_not_set wanted={} {}", kServingOomScore, LogStatus(status));
  }
  if (const absl::Status status = SetNice(options.nice); !status.ok()) {
    spdlog::warn("event=nice_not_set wanted={} {}", options.nice, LogStatus(status));
  }
  if (options.lock_memory) {
    if (const absl::Status status = LockMemory(); !status.ok()) {
      spdlog::warn("event=memory_not_locked {}", LogStatus(status));
    }
  }
  return limits;
}

absl::StatusOr<std::unique_ptr<Supervisor>> Prepare(const Options& options,
                                                    std::vector<std::string> words) {
  if (absl::Status status = OpenStandardFds(); !status.ok()) return status;
  if (absl::Status status = CheckReadyFd(options.ready_fd); !status.ok()) return status;
  absl::StatusOr<SignalFd> signals = SignalFd::Create();
  if (!signals.ok()) return signals.status();
  absl::StatusOr<std::unique_ptr<Resources>> resources = Resources::Open(options);
  if (!resources.ok()) return resources.status();
  ReportPrivileges((*resources)->account());
  return std::make_unique<Supervisor>(options, std::move(words), *std::move(signals),
                                      *std::move(resources), AskLimits(options));
}

}  // namespace

int RunKeeper(const Options& options, std::vector<std::string> words) {
  absl::StatusOr<std::unique_ptr<Supervisor>> supervisor = Prepare(options, std::move(words));
  if (!supervisor.ok()) {
    spdlog::error("event=start_failed {}", LogStatus(supervisor.status()));
    return kExitFailure;
  }
  const int code = (*supervisor)->Run();
  // Removes the sockets and the lock: only then are we really stopped.
  supervisor->reset();
  spdlog::info("event=stopped code={}", code);
  return code;
}

}  // namespace dmaheap

#include "daemon/keeper/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/keeper/process_limits.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// Gives back what the keeper changed for itself and an exec would keep.
absl::Status ResetSignals() {
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return ErrnoStatus(errno, "sigprocmask");
  if (signal(SIGPIPE, SIG_DFL) == SIG_ERR) return ErrnoStatus(errno, "signal(SIGPIPE)");
  return absl::OkStatus();
}

// Puts the fds at 3, 4, ... and closes all others.
absl::Status ArrangeFds(const std::vector<ChildFd>& fds) {
  const int end = SD_LISTEN_FDS_START + static_cast<int>(fds.size());
  // First out of the way of the numbers that are about to be used.
  std::vector<int> sources;
  for (const ChildFd& entry : fds) {
    const int source = fcntl(entry.fd, F_DUPFD_CLOEXEC, end);
    if (source < 0) return ErrnoStatus(errno, absl::StrCat("duplicating fd ", entry.name));
    sources.push_back(source);
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    if (dup2(sources[i], SD_LISTEN_FDS_START + static_cast<int>(i)) < 0) {
      return ErrnoStatus(errno, absl::StrCat("placing fd ", fds[i].name));
    }
  }
  // A second belt: every fd of the keeper is O_CLOEXEC already. Kernels before 5.9 lack the call.
  close_range(static_cast<unsigned>(end), UINT_MAX, 0);
  return absl::OkStatus();
}

absl::Status SetVariable(const std::string& name, const std::string& value) {
  if (setenv(name.c_str(), value.c_str(), /*overwrite=*/1) != 0) {
    return ErrnoStatus(errno, absl::StrCat("setenv ", name));
  }
  return absl::OkStatus();
}

absl::Status SetEnvironment(const ChildSpec& spec) {
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET",
                           "WATCHDOG_PID", "WATCHDOG_USEC"}) {
    unsetenv(name);
  }
  std::vector<std::pair<std::string, std::string>> variables = spec.environment;
  variables.emplace_back("LISTEN_PID", absl::StrCat(getpid()));
  variables.emplace_back("LISTEN_FDS", absl::StrCat(spec.fds.size()));
  variables.emplace_back("LISTEN_FDNAMES",
                         absl::StrJoin(spec.fds, ":", [](std::string* out, const ChildFd& entry) {
                           out->append(entry.name);
                         }));
  for (const auto& [name, value] : variables) {
    if (absl::Status status = SetVariable(name, value); !status.ok()) return status;
    if (name == "WATCHDOG_USEC") {
      absl::Status status = SetVariable("WATCHDOG_PID", absl::StrCat(getpid()));
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFolder(const ChildSpec& spec) {
  if (spec.writable_folder.empty()) return absl::OkStatus();
  if (faccessat(AT_FDCWD, spec.writable_folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno,
                     absl::StrCat("folder ", spec.writable_folder, " can not be used by account ",
                                  spec.account.name, ". Check the modes of the folders above it"));
}

absl::Status Prepare(const ChildSpec& spec, pid_t keeper) {
  // Fails only for the leader of a process group, which a fresh child is not.
  setsid();
  if (absl::Status status = ResetSignals(); !status.ok()) return status;
  // While still privileged. The keeper has already reported what is missing.
  SetOomScore(spec.oom_score).IgnoreError();
  if (absl::Status status = DropPrivileges(spec.account, spec.capabilities); !status.ok()) {
    return status;
  }
  // After the change of account, which resets it (prctl(2)).
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return ErrnoStatus(errno, "prctl(PR_SET_PDEATHSIG)");
  if (getppid() != keeper) return absl::CancelledError("the keeper died meanwhile");
  if (absl::Status status = CheckFolder(spec); !status.ok()) return status;
  if (absl::Status status = ArrangeFds(spec.fds); !status.ok()) return status;
  return SetEnvironment(spec);
}

[[noreturn]] void BecomeChild(const ChildSpec& spec, pid_t keeper) {
  absl::Status status = Prepare(spec, keeper);
  if (status.ok()) {
    std::vector<char*> argv;
    for (const std::string& word : spec.argv) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    // Our own program even if its file was replaced by an update meanwhile.
    execv("/proc/self/exe", argv.data());
    status = ErrnoStatus(errno, "execv of /proc/self/exe");
  }
  spdlog::error("event=child_setup_failed role={} {}", LogValue(spec.argv.back()),
                LogStatus(status));
  _exit(kExitChildSetup);
}

}  // namespace

absl::StatusOr<pid_t> SpawnChild(const ChildSpec& spec) {
  const pid_t keeper = getpid();
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) BecomeChild(spec, keeper);
  return pid;
}

}  // namespace dmaheap

#include "tests/bench/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/errno_status.h"

namespace dmaheap::bench {
namespace {

constexpr absl::string_view kReady = "READY\n";

// How long the destructor waits for an end in good order.
constexpr absl::Duration kStopPatience = absl::Seconds(5);

// The header of glibc 2.36 declares pidfd_open without C linkage.
int OpenPidFd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

int MillisecondsUntil(absl::Time end) {
  const absl::Duration left = std::max(end - absl::Now(), absl::ZeroDuration());
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

bool Readable(int fd, absl::Time end) {
  pollfd entry = {.fd = fd, .events = POLLIN, .revents = 0};
  int ready;
  do {
    ready = poll(&entry, 1, MillisecondsUntil(end));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// Between fork and exec, where other threads may have held any lock: system calls only.
[[noreturn]] void Become(char* const* argv, int input, int output, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(98);  // it ended before the line above
  // What a RunFolder blocked.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  if (log >= 0) dup2(log, STDERR_FILENO);
  execv(argv[0], argv);
  _exit(99);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(std::vector<std::string> command,
                                                                  const std::string& log_file) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe2");
  UniqueFd its_input(in[0]), input(in[1]);
  if (pipe2(out, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe2");
  UniqueFd output(out[0]), its_output(out[1]);
  UniqueFd log;
  if (!log_file.empty()) {
    log.Reset(open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log.valid()) return ErrnoStatus(errno, log_file);
  }
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) Become(argv.data(), its_input.get(), its_output.get(), log.get(), parent);
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(command[0], pid, std::move(input), std::move(output)));
}

ChildProcess::ChildProcess(std::string name, pid_t pid, UniqueFd input, UniqueFd output)
    : name_(std::move(name)), pid_(pid), input_(std::move(input)), output_(std::move(output)) {}

ChildProcess::~ChildProcess() { Stop(kStopPatience).IgnoreError(); }

absl::Status ChildProcess::WaitReady(absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  std::string said;
  while (said.size() < kReady.size()) {
    if (!Readable(output_.get(), end)) {
      return absl::UnavailableError(
          absl::StrCat(name_, " is not ready after ", absl::FormatDuration(patience)));
    }
    char bytes[64];
    const ssize_t length = read(output_.get(), bytes, sizeof(bytes));
    if (length <= 0) return absl::UnavailableError(absl::StrCat(name_, " ended at its start"));
    said.append(bytes, static_cast<size_t>(length));
  }
  if (said == kReady) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(name_, " said \"", said, "\" in place of READY"));
}

bool ChildProcess::EndsWithin(absl::Duration patience) const {
  const UniqueFd pidfd(OpenPidFd(pid_));
  return pidfd.valid() && Readable(pidfd.get(), absl::Now() + patience);
}

int ChildProcess::Reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

absl::StatusOr<int> ChildProcess::WaitEnd(absl::Duration patience) {
  if (!EndsWithin(patience)) {
    return absl::DeadlineExceededError(
        absl::StrCat(name_, " did not end within ", absl::FormatDuration(patience)));
  }
  ended_ = true;
  const int status = Reap();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

absl::Status ChildProcess::Stop(absl::Duration patience) {
  if (std::exchange(ended_, true)) return absl::OkStatus();
  input_.Reset();
  kill(pid_, SIGTERM);
  const bool in_time = EndsWithin(patience);
  if (!in_time) kill(pid_, SIGKILL);
  const int status = Reap();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  // One without a handler of its own.
  if (in_time && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) return absl::OkStatus();
  return absl::InternalError(WIFSIGNALED(status)
                                 ? absl::StrCat(name_, " was ended by signal ", WTERMSIG(status))
                                 : absl::StrCat(name_, " ended with code ", WEXITSTATUS(status)));
}

void SayReady() {
  [[maybe_unused]] const ssize_t n = write(STDOUT_FILENO, kReady.data(), kReady.size());
}

void WaitForParent() {
  char byte;
  ssize_t n;
  do {
    n = read(STDIN_FILENO, &byte, 1);
  } while (n > 0 || (n < 0 && errno == EINTR));
}

}  // namespace dmaheap::bench

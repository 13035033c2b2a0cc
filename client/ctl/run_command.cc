#include "client/ctl/run_command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap::ctl {
namespace {

// The first number behind standard input, output and error.
constexpr int kFirstFd = 3;
constexpr absl::string_view kVariable = "DMAHEAP_FDS=";

// Exit codes of env(1) and of every shell (POSIX, "Exit Status for Commands").
constexpr int kCanNotRun = 126;
constexpr int kNotFound = 127;

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(int fds) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!absl::StartsWith(*entry, kVariable)) environment.emplace_back(*entry);
  }
  std::vector<int> numbers;
  for (int i = 0; i < fds; ++i) numbers.push_back(kFirstFd + i);
  environment.push_back(absl::StrCat(kVariable, absl::StrJoin(numbers, ",")));
  return environment;
}

// posix_spawn(3) and its two objects. Its child shares nothing that gRPC's threads may have locked.
class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~Spawn() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  int Dup(int fd, int number) { return posix_spawn_file_actions_adddup2(&actions_, fd, number); }

  int Run(std::vector<std::string> command, int fds, const sigset_t& mask, pid_t& pid) {
    // gRPC may have set SIGPIPE aside in this process.
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setsigmask(&attributes_, &mask);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<std::string> environment = Environment(fds);
    return posix_spawnp(&pid, command[0].c_str(), &actions_, &attributes_, Pointers(command).data(),
                        Pointers(environment).data());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

absl::StatusOr<int> RunCommand(const std::vector<std::string>& command, const std::vector<int>& fds,
                               Interrupt& interrupt, std::string& error) {
  Spawn spawn;
  // Copies out of the way of the numbers to be given, so that none of them is written over.
  std::vector<UniqueFd> copies;
  const int count = static_cast<int>(fds.size());
  for (int i = 0; i < count; ++i) {
    copies.emplace_back(fcntl(fds[i], F_DUPFD_CLOEXEC, kFirstFd + count));
    if (!copies.back().valid()) return ErrnoStatus(errno, "fcntl(F_DUPFD_CLOEXEC)");
    if (const int failed = spawn.Dup(copies.back().get(), kFirstFd + i); failed != 0) {
      return ErrnoStatus(failed, "posix_spawn_file_actions_adddup2");
    }
  }

  pid_t pid = -1;
  const int failed = spawn.Run(command, count, interrupt.first_mask(), pid);
  copies.clear();
  if (failed == EAGAIN || failed == ENOMEM) return ErrnoStatus(failed, "posix_spawnp");
  if (failed != 0) {
    error = absl::StrCat("can not run ", command[0], ": ", ErrnoName(failed));
    return failed == ENOENT ? kNotFound : kCanNotRun;
  }

  siginfo_t ended = {};
  {
    const Interrupt::Scope forward(interrupt, [pid](const Interrupt::Signal& signal) {
      // Not reaped while this may run, so the number is still that of our child.
      if (!signal.from_terminal) kill(pid, signal.number);
      return true;
    });
    while (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) < 0) {
      if (errno != EINTR) return ErrnoStatus(errno, "waitid");
    }
  }
  // It ended: this does not block.
  waitpid(pid, nullptr, 0);
  return ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status;
}

}  // namespace dmaheap::ctl

#include "daemon/keeper/testing/daemon_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// Where systemd puts the first one (sd_listen_fds(3)).
constexpr int kFirstListenFd = 3;

// The header of glibc 2.36 declares pidfd_open without C linkage.
int OpenPidFd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

bool Readable(int fd, int timeout_milliseconds) {
  pollfd entry = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, timeout_milliseconds) > 0;
}

bool Hide(const std::vector<std::string>& folders) {
  if (unshare(CLONE_NEWNS) != 0) return false;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return std::all_of(folders.begin(), folders.end(), [](const std::string& folder) {
    return mount("none", folder.c_str(), "tmpfs", 0, "mode=755") == 0;
  });
}

// In the child, between fork and exec.
[[noreturn]] void Become(const std::string& program, const StartSpec& spec, int ready, int log) {
  const int count = static_cast<int>(spec.listen_fds.size());
  // Out of the way of the numbers that are handed over.
  const int above = kFirstListenFd + count;
  ready = fcntl(ready, F_DUPFD, above);
  dup2(log, STDERR_FILENO);
  std::vector<int> sources;
  for (const auto& [name, fd] : spec.listen_fds) {
    sources.push_back(fcntl(fd, F_DUPFD_CLOEXEC, above));
  }
  for (int i = 0; i < count; ++i) dup2(sources[static_cast<size_t>(i)], kFirstListenFd + i);
  if (count > 0) {
    setenv("LISTEN_PID", absl::StrCat(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", absl::StrCat(count).c_str(), 1);
    setenv("LISTEN_FDNAMES",
           absl::StrJoin(spec.listen_fds, ":",
                         [](std::string* out, const auto& entry) { out->append(entry.first); })
               .c_str(),
           1);
  }
  for (const auto& [name, value] : spec.environment) setenv(name.c_str(), value.c_str(), 1);
  // Opened while every folder above it can still be entered.
  const int file = open(program.c_str(), O_PATH | O_CLOEXEC);
  if (!spec.hidden.empty() && !Hide(spec.hidden)) _exit(97);
  for (const int capability : spec.dropped_capabilities) {
    if (prctl(PR_CAPBSET_DROP, capability) != 0) _exit(96);
  }
  if (spec.uid != 0 &&
      (setgroups(0, nullptr) != 0 || setresgid(spec.uid, spec.uid, spec.uid) != 0 ||
       setresuid(spec.uid, spec.uid, spec.uid) != 0)) {
    _exit(99);
  }
  std::vector<std::string> words = {"dmaheapd"};
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  if (spec.pass_ready_fd) words.push_back(absl::StrCat("--ready-fd=", ready));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  fexecve(file, argv.data(), environ);
  _exit(98);
}

}  // namespace

TempFolder::TempFolder() {
  char path[] = "/tmp/dmaheap-keeper-XXXXXX";
  const char* made = mkdtemp(path);
  EXPECT_NE(made, nullptr);
  path_ = path;
  EXPECT_EQ(chmod(path, 0777), 0);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::Below(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

std::string TempFolder::Write(absl::string_view name, absl::string_view text) const {
  const std::string path = Below(name);
  std::ofstream(path) << text;
  return path;
}

DaemonProcess::DaemonProcess(const std::string& program, const StartSpec& spec) {
  int ready[2];
  int log[2];
  EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(log, O_CLOEXEC), 0);
  const UniqueFd ready_end(ready[1]);
  const UniqueFd log_end(log[1]);
  ready_.Reset(ready[0]);
  log_.Reset(log[0]);
  pid_ = fork();
  if (pid_ == 0) Become(program, spec, ready_end.get(), log_end.get());
  pidfd_.Reset(OpenPidFd(pid_));
  EXPECT_TRUE(pidfd_.valid());
}

DaemonProcess::~DaemonProcess() {
  if (exit_code_ >= 0) return;
  // Its children die with it.
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool DaemonProcess::WaitReady() {
  std::string text;
  while (Readable(ready_.get(), kPatienceMilliseconds)) {
    char bytes[64];
    const ssize_t length = read(ready_.get(), bytes, sizeof(bytes));
    if (length <= 0) break;
    text.append(bytes, static_cast<size_t>(length));
  }
  return text == "READY\n";
}

int DaemonProcess::WaitExit() {
  if (exit_code_ >= 0) return exit_code_;
  if (!Readable(pidfd_.get(), kPatienceMilliseconds)) {
    ADD_FAILURE() << "the daemon did not end; its log:\n" << Log();
    return -1;
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return exit_code_;
}

bool DaemonProcess::ReadLog(int timeout_milliseconds) {
  if (!Readable(log_.get(), timeout_milliseconds)) return false;
  char bytes[4096];
  const ssize_t length = read(log_.get(), bytes, sizeof(bytes));
  if (length <= 0) return false;
  log_text_.append(bytes, static_cast<size_t>(length));
  return true;
}

std::string DaemonProcess::WaitLog(absl::string_view text) {
  do {
    size_t end;
    while ((end = log_text_.find('\n', log_seen_)) != std::string::npos) {
      const std::string line = log_text_.substr(log_seen_, end - log_seen_);
      log_seen_ = end + 1;
      if (absl::StrContains(line, text)) return line;
    }
  } while (ReadLog(kPatienceMilliseconds));
  ADD_FAILURE() << "no line with " << text << " in the log:\n" << log_text_;
  return "";
}

std::string DaemonProcess::Log() {
  while (ReadLog(0)) {
  }
  return log_text_;
}

void DaemonProcess::Signal(int number) const { EXPECT_EQ(kill(pid_, number), 0); }

std::string Ask(const std::string& path, absl::string_view command) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return "";
  }
  (void)!write(socket.get(), command.data(), command.size());
  std::string answer;
  char bytes[4096];
  while (Readable(socket.get(), DaemonProcess::kPatienceMilliseconds)) {
    const ssize_t length = read(socket.get(), bytes, sizeof(bytes));
    if (length <= 0) break;
    answer.append(bytes, static_cast<size_t>(length));
  }
  return answer;
}

bool WaitGone(pid_t pid) {
  if (pid <= 0) return false;
  const UniqueFd pidfd(OpenPidFd(pid));
  // EINVAL of a process whose number is about to end: it is reaped just now (kernel/fork.c,
  // pidfd_prepare).
  if (!pidfd.valid()) return errno == ESRCH || errno == EINVAL;
  return Readable(pidfd.get(), DaemonProcess::kPatienceMilliseconds);
}

int NumberIn(absl::string_view line, absl::string_view key) {
  const size_t at = line.find(absl::StrCat(" ", key, "="));
  if (at == absl::string_view::npos) return -1;
  line.remove_prefix(at + key.size() + 2);
  int number = -1;
  return absl::SimpleAtoi(line.substr(0, line.find(' ')), &number) ? number : -1;
}

std::string StatusOf(pid_t pid, absl::string_view key) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  std::string line;
  while (std::getline(file, line)) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, absl::StrCat(key, ":"))) {
      return std::string(absl::StripAsciiWhitespace(rest));
    }
  }
  return "";
}

}  // namespace dmaheap

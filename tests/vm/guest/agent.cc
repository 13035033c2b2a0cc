// The guest's side of the runner: runs one command, sends what it prints, the files it left and how
// it ended, and switches the machine off. Started by init as process 1, so it also reaps orphans.
//
//   agent PORT command    /guest/command, its output in frames
//   agent PORT shell      /guest/command on the terminal /dev/hvc0
//   agent PORT broken WHY no command: the guest could not be made ready
//
// Frames, read by tests/vm/runner/frames.py: a byte that says what it is, the length as 32 bits,
// lowest byte first, and as many bytes.
//   r  the command starts       o, e  its standard output, standard error
//   x  it ended: 32 bits, its exit code, or 128 and the signal
//   f  the name of a file it left in /out    d  some of that file's bytes
//   b  there was no command: why
// The runner answers x and b, after which nothing comes, with a byte: it has everything.

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr char kCommand[] = "/guest/command";
constexpr char kTerminal[] = "/dev/hvc0";
constexpr char kOutFolder[] = "/out";

// What a pipe holds.
constexpr size_t kChunkBytes = 65536;

// How long a runner may get no turn at the end; then its qemu ends all the same.
constexpr int kTakenPatienceMs = 30'000;

// For what can not be told the runner: the console, which it shows when no end was told.
[[noreturn]] void GiveUp(const char* what) {
  dprintf(STDERR_FILENO, "agent: %s: %s\n", what, strerror(errno));
  sync();
  reboot(RB_AUTOBOOT);
  _exit(EXIT_FAILURE);
}

class Runner {
 public:
  explicit Runner(UniqueFd port) : port_(std::move(port)) {}

  void Send(char kind, absl::string_view bytes) {
    const uint32_t size = htole32(static_cast<uint32_t>(bytes.size()));
    std::string frame(1, kind);
    frame.append(reinterpret_cast<const char*>(&size), sizeof(size));
    frame.append(bytes.data(), bytes.size());
    Write(frame);
  }

  void SendExit(int code) {
    const uint32_t number = htole32(static_cast<uint32_t>(code));
    Send('x', {reinterpret_cast<const char*>(&number), sizeof(number)});
  }

  // After the last frame: until the runner has it. What it has not taken yet when the machine ends
  // is lost.
  void WaitTaken() {
    pollfd entry = {.fd = port_.get(), .events = POLLIN, .revents = 0};
    while (poll(&entry, 1, kTakenPatienceMs) < 0 && errno == EINTR) {
    }
  }

 private:
  // The port takes at most 32 KiB at a time.
  void Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(port_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) GiveUp("the runner's port");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
  }

  UniqueFd port_;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) GiveUp("pipe2");
  Pipe pipe;
  pipe.read_end.Reset(ends[0]);
  pipe.write_end.Reset(ends[1]);
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) GiveUp("fcntl");
  return pipe;
}

// In the child: becomes the command, with these standard streams.
[[noreturn]] void Become(int input, int output, int error) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  execl("/bin/sh", "sh", kCommand, nullptr);
  _exit(127);
}

// The exit codes of children come by SIGCHLD, which this makes readable.
UniqueFd WatchChildren() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);
  UniqueFd fd(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) GiveUp("signalfd");
  return fd;
}

// Reaps whatever ended; true once that was the command.
bool Reap(int signals, pid_t command, int* code) {
  signalfd_siginfo info;
  while (read(signals, &info, sizeof(info)) == sizeof(info)) {
  }
  bool is_over = false;
  int status = 0;
  while (const pid_t pid = waitpid(-1, &status, WNOHANG)) {
    if (pid < 0) break;
    if (pid != command) continue;
    is_over = true;
    *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return is_over;
}

// Sends what one read gives. False at the end of the file.
bool ForwardOnce(int fd, char kind, Runner& runner) {
  std::vector<char> bytes(kChunkBytes);
  const ssize_t got = read(fd, bytes.data(), bytes.size());
  if (got > 0) runner.Send(kind, {bytes.data(), static_cast<size_t>(got)});
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

// What is in the pipe now, and no more: a process that the command left behind may write for ever.
void ForwardRest(int pipe, char kind, Runner& runner) {
  int left = 0;
  if (pipe < 0 || ioctl(pipe, FIONREAD, &left) != 0) return;
  std::vector<char> bytes(static_cast<size_t>(left));
  const ssize_t got = read(pipe, bytes.data(), bytes.size());
  if (got > 0) runner.Send(kind, {bytes.data(), static_cast<size_t>(got)});
}

int RunCommand(Runner& runner) {
  const UniqueFd signals = WatchChildren();
  Pipe output = MakePipe();
  Pipe error = MakePipe();
  const UniqueFd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t pid = fork();
  if (pid < 0) GiveUp("fork");
  if (pid == 0) {
    setsid();
    Become(nothing.get(), output.write_end.get(), error.write_end.get());
  }
  output.write_end.Reset();
  error.write_end.Reset();

  int code = 0;
  bool is_over = false;
  while (!is_over) {
    pollfd fds[] = {{.fd = signals.get(), .events = POLLIN, .revents = 0},
                    {.fd = output.read_end.get(), .events = POLLIN, .revents = 0},
                    {.fd = error.read_end.get(), .events = POLLIN, .revents = 0}};
    if (poll(fds, 3, -1) < 0 && errno != EINTR) GiveUp("poll");
    if (fds[0].revents != 0) is_over = Reap(signals.get(), pid, &code);
    if (fds[1].revents != 0 && !ForwardOnce(output.read_end.get(), 'o', runner)) {
      output.read_end.Reset();
    }
    if (fds[2].revents != 0 && !ForwardOnce(error.read_end.get(), 'e', runner)) {
      error.read_end.Reset();
    }
  }
  ForwardRest(output.read_end.get(), 'o', runner);
  ForwardRest(error.read_end.get(), 'e', runner);
  return code;
}

int RunShell() {
  const UniqueFd signals = WatchChildren();
  const pid_t pid = fork();
  if (pid < 0) GiveUp("fork");
  if (pid == 0) {
    // Keys such as Ctrl-C reach the session whose terminal it is.
    setsid();
    const int terminal = open(kTerminal, O_RDWR);
    if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0) GiveUp(kTerminal);
    Become(terminal, terminal, terminal);
  }
  int code = 0;
  bool is_over = false;
  while (!is_over) {
    pollfd fd = {.fd = signals.get(), .events = POLLIN, .revents = 0};
    if (poll(&fd, 1, -1) < 0 && errno != EINTR) GiveUp("poll");
    is_over = Reap(signals.get(), pid, &code);
  }
  return code;
}

void SendFile(const std::filesystem::path& path, const std::string& name, Runner& runner) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) return;
  runner.Send('f', name);
  while (ForwardOnce(file.get(), 'd', runner)) {
  }
}

// Only what lies in the folder itself: a runner that made folders by foreign names would have to
// check them.
void SendFiles(Runner& runner) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kOutFolder, error)) {
    if (entry.is_regular_file(error) && !entry.is_symlink(error)) {
      SendFile(entry.path(), entry.path().filename().string(), runner);
    }
  }
}

int Main(int argc, char** argv) {
  if (argc < 3) GiveUp("usage: agent PORT command|shell|broken WHY");
  UniqueFd port(open(argv[1], O_RDWR | O_CLOEXEC));
  if (!port.valid()) GiveUp(argv[1]);
  Runner runner(std::move(port));
  const absl::string_view what = argv[2];
  if (what == "broken") {
    runner.Send('b', argc > 3 ? argv[3] : "");
  } else {
    runner.Send('r', "");
    const int code = what == "shell" ? RunShell() : RunCommand(runner);
    SendFiles(runner);
    runner.SendExit(code);
  }
  runner.WaitTaken();
  // The runner's qemu ends at a reboot: nothing in here is worth an orderly end.
  reboot(RB_AUTOBOOT);
  GiveUp("reboot");
}

}  // namespace
}  // namespace dmaheap

int main(int argc, char** argv) { return dmaheap::Main(argc, argv); }

#include "daemon/diagnosis/prober/scout_zygote.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <utility>

#include "daemon/diagnosis/prober/drop_capability.h"
#include "daemon/diagnosis/prober/sandbox.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"

namespace dmaheap {
namespace {

constexpr int kExitFailure = 1;

// A signal that came before is not lost: then the parent is another one by now.
void DieWith(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(kExitFailure);
}

// The prober's sockets would not end with it, if a scout that never ends had them too.
void CloseAllBut(int own) {
  constexpr int kFirst = STDERR_FILENO + 1;
  const bool below = own == kFirst || close_range(kFirst, static_cast<unsigned>(own) - 1, 0) == 0;
  if (below && close_range(static_cast<unsigned>(own) + 1, UINT_MAX, 0) == 0) return;
  // Before Linux 5.9.
  for (int fd = kFirst; fd < sysconf(_SC_OPEN_MAX); ++fd) {
    if (fd != own) close(fd);
  }
}

void EnterOrLeave(const absl::Status& sandbox) {
  if (sandbox.ok()) return;
  if (!IsWithoutSeccomp(sandbox) || !DropCapability(CAP_SYS_ADMIN).ok()) _exit(kExitFailure);
}

[[noreturn]] void RunScout(const UniqueFd& socket, ScoutFunction look) {
  prctl(PR_SET_NAME, "dmaheapd-scout");
  EnterOrLeave(EnterScoutSandbox());
  while (true) {
    absl::StatusOr<Datagram> asked =
        ReceiveDatagram(socket.get(), sizeof(ScoutQuestion), /*max_fds=*/1);
    if (!asked.ok() || asked->end_of_stream) _exit(0);
    const auto question = DecodeScoutMessage<ScoutQuestion>(asked->bytes);
    if (!question.has_value() || asked->fds.size() != 1) _exit(kExitFailure);
    ScoutAnswer answer;
    {
      const Interrupter interrupter;
      answer = look(*question, asked->fds[0]);
    }
    // Before the answer: nothing may be left that could wait.
    asked->fds.clear();
    if (!SendDatagram(socket.get(), EncodeScoutMessage(answer), {}).ok()) _exit(0);
  }
}

class Zygote {
 public:
  Zygote(UniqueFd socket, ScoutFunction look) : socket_(std::move(socket)), look_(look) {}

  [[noreturn]] void Run() {
    while (true) {
      Reap();
      pollfd asked = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
      // Children may end here, and not between the two lines.
      sigset_t none;
      sigemptyset(&none);
      if (ppoll(&asked, 1, nullptr, &none) <= 0) continue;
      const absl::StatusOr<Datagram> wanted =
          ReceiveDatagram(socket_.get(), sizeof(ScoutWanted), /*max_fds=*/0);
      if (!wanted.ok() || wanted->end_of_stream) _exit(0);
      if (!DecodeScoutMessage<ScoutWanted>(wanted->bytes).has_value()) _exit(kExitFailure);
      // Until it is reaped, the number is its own. One that waits for a lock ends when it has it.
      if (newest_ > 0) kill(std::exchange(newest_, 0), SIGKILL);
      Start();
    }
  }

 private:
  void Reap() {
    while (true) {
      const pid_t pid = waitpid(-1, nullptr, WNOHANG);
      if (pid <= 0) return;
      --children_;
      if (pid == newest_) newest_ = 0;
    }
  }

  void Start() {
    Reap();
    int ends[2];
    if (children_ >= kMostScouts) return Say({.pid = 0, .error_number = EAGAIN}, {});
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      return Say({.pid = 0, .error_number = errno}, {});
    }
    UniqueFd probers(ends[0]);
    const UniqueFd scouts(ends[1]);
    const pid_t self = getpid();
    const pid_t pid = fork();
    if (pid < 0) return Say({.pid = 0, .error_number = errno}, {});
    if (pid == 0) {
      DieWith(self);
      probers.Reset();
      socket_.Reset();
      RunScout(scouts, look_);
    }
    newest_ = pid;
    ++children_;
    const int handed = probers.get();
    Say({.pid = pid, .error_number = 0}, {&handed, 1});
  }

  void Say(const ScoutStarted& started, absl::Span<const int> fds) {
    if (!SendDatagram(socket_.get(), EncodeScoutMessage(started), fds).ok()) _exit(0);
  }

  UniqueFd socket_;
  const ScoutFunction look_;
  // That have not been reaped, and of these the one that is not left behind; 0: none.
  int children_ = 0;
  pid_t newest_ = 0;
};

[[noreturn]] void BecomeZygote(UniqueFd socket, pid_t prober, ScoutFunction look) {
  prctl(PR_SET_NAME, "dmaheapd-zygote");
  DieWith(prober);
  CloseAllBut(socket.get());
  // The kernel's log is the prober's alone to read.
  if (!DropCapability(CAP_SYSLOG).ok()) _exit(kExitFailure);
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  // It does nothing but end a ppoll, which the default action would not.
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGCHLD, &action, nullptr) != 0 || sigprocmask(SIG_SETMASK, &ended, nullptr) != 0) {
    _exit(kExitFailure);
  }
  Interrupter::InstallHandler();
  EnterOrLeave(EnterZygoteSandbox());
  Zygote(std::move(socket), look).Run();
}

}  // namespace

absl::StatusOr<ScoutZygote> StartScoutZygote(ScoutFunction look) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair for the scouts' zygote");
  }
  UniqueFd probers(ends[0]);
  UniqueFd zygotes(ends[1]);
  const pid_t self = getpid();
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork of the scouts' zygote");
  if (pid == 0) BecomeZygote(std::move(zygotes), self, look);
  return ScoutZygote{.pid = pid, .socket = std::move(probers)};
}

}  // namespace dmaheap

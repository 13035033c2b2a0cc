#include "daemon/keeper/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "proto/errno_status.h"

namespace dmaheap {

absl::StatusOr<SignalFd> SignalFd::Create() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return ErrnoStatus(errno, "sigprocmask");
  // A reader of our log or of the ready fd that went away must not end us.
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return ErrnoStatus(errno, "signal(SIGPIPE)");
  UniqueFd fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "signalfd");
  return SignalFd(std::move(fd));
}

int SignalFd::Next() {
  signalfd_siginfo info;
  const ssize_t length = read(fd_.get(), &info, sizeof(info));
  return length == static_cast<ssize_t>(sizeof(info)) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace dmaheap

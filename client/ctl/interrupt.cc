#include "client/ctl/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "proto/errno_status.h"

namespace dmaheap::ctl {
namespace {

bool IsIgnored(int signal) {
  struct sigaction now = {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Interrupt>> Interrupt::Create() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM}) {
    // A blocked signal would be kept for us even where it is ignored.
    if (!IsIgnored(signal)) sigaddset(&set, signal);
  }
  UniqueFd signals(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return ErrnoStatus(errno, "signalfd");
  UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return ErrnoStatus(errno, "eventfd");
  sigset_t first_mask;
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, &first_mask); error != 0) {
    return ErrnoStatus(error, "pthread_sigmask");
  }
  return std::unique_ptr<Interrupt>(new Interrupt(std::move(signals), std::move(stop), first_mask));
}

Interrupt::Interrupt(UniqueFd signals, UniqueFd stop, const sigset_t& first_mask)
    : signals_(std::move(signals)), stop_(std::move(stop)), first_mask_(first_mask) {
  watcher_ = std::thread([this] { Watch(); });
}

Interrupt::~Interrupt() {
  const uint64_t one = 1;
  // An eventfd at 0 takes it (eventfd(2)).
  while (write(stop_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  watcher_.join();
}

void Interrupt::Watch() {
  for (;;) {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;  // EINTR: a debugger
    if (fds[1].revents != 0) return;
    signalfd_siginfo info = {};
    if (read(signals_.get(), &info, sizeof(info)) != sizeof(info)) continue;
    Signal signal;
    signal.number = static_cast<int>(info.ssi_signo);
    signal.from_terminal = info.ssi_code == SI_KERNEL;
    std::lock_guard<std::mutex> lock(mutex_);
    // At once: the daemon learns from the end of the connection, and the rest is the kernel's.
    if (!action_ || !action_(signal)) _exit(128 + signal.number);
  }
}

Interrupt::Scope::Scope(Interrupt& interrupt, Action action) : interrupt_(interrupt) {
  std::lock_guard<std::mutex> lock(interrupt_.mutex_);
  interrupt_.action_ = std::move(action);
}

Interrupt::Scope::~Scope() {
  std::lock_guard<std::mutex> lock(interrupt_.mutex_);
  interrupt_.action_ = nullptr;
}

Interrupt::Action Interrupt::CancelOnce(std::function<void()> cancel) {
  return [cancel = std::move(cancel), cancelled = false](const Signal& signal) mutable {
    if (signal.number != SIGINT || std::exchange(cancelled, true)) return false;
    cancel();
    return true;
  };
}

}  // namespace dmaheap::ctl

#include "daemon/diagnosis/prober/time_box.h"

#include <signal.h>
#include <sys/time.h>

#include <ctime>

namespace dmaheap {
namespace {

// A tenth of the prober's time box.
constexpr suseconds_t kTickMicroseconds = 5000;

void SetTimer(suseconds_t interval) {
  const timeval every = {.tv_sec = 0, .tv_usec = interval};
  const itimerval timer = {.it_interval = every, .it_value = every};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

absl::Time MonotonicNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

Interrupter::Interrupter() { SetTimer(kTickMicroseconds); }

Interrupter::~Interrupter() { SetTimer(0); }

void Interrupter::InstallHandler() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigemptyset(&action.sa_mask);
  // Without SA_RESTART: the call must return.
  action.sa_flags = 0;
  sigaction(SIGALRM, &action, nullptr);
}

}  // namespace dmaheap

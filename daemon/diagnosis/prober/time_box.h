// A time that must not be exceeded: asked between two steps of a long work.

#ifndef DAEMON_DIAGNOSIS_PROBER_TIME_BOX_H_
#define DAEMON_DIAGNOSIS_PROBER_TIME_BOX_H_

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/time/time.h"

namespace dmaheap {

// The monotonic clock of this machine.
absl::Time MonotonicNow();

class TimeBox {
 public:
  using Clock = std::function<absl::Time()>;

  // Ends after length, by that clock.
  explicit TimeBox(absl::Duration length, Clock clock = MonotonicNow)
      : clock_(std::move(clock)), begin_(clock_()), end_(begin_ + length) {}

  bool Ended() const { return clock_() >= end_; }
  // Negative once it has ended.
  absl::Duration Left() const { return end_ - clock_(); }

  // A box that ends with this one, or after length if that is earlier.
  TimeBox AtMost(absl::Duration length) const {
    const absl::Time now = clock_();
    return TimeBox(clock_, now, std::min(end_, now + length));
  }
  // A box that ends when half of this one's length is over.
  TimeBox FirstHalf() const { return TimeBox(clock_, begin_, begin_ + (end_ - begin_) / 2); }

 private:
  TimeBox(Clock clock, absl::Time begin, absl::Time end)
      : clock_(std::move(clock)), begin_(begin), end_(end) {}

  Clock clock_;
  absl::Time begin_;
  absl::Time end_;
};

// While it lives, a system call that sleeps is interrupted (EINTR) every few milliseconds, so that
// a TimeBox is asked: SIGALRM by setitimer(2). One at a time, in a process with one thread.
class Interrupter {
 public:
  Interrupter();
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // Once, before the first: the handler that does nothing.
  static void InstallHandler();
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_TIME_BOX_H_

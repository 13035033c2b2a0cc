// A point on the monotonic clock until which a call may take.
//
// Immutable value; thread-safe. A step of the wall clock does not move it.

#ifndef CLIENT_INTERNAL_DEADLINE_H_
#define CLIENT_INTERNAL_DEADLINE_H_

#include <chrono>

#include "absl/time/time.h"

namespace dmaheap::client_internal {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  // A duration of zero or less is already over; one above 100 years never is.
  static Deadline After(absl::Duration duration);

  // The nearer of this one and duration from now.
  Deadline NoLaterThan(absl::Duration duration) const;

  bool Expired() const { return Clock::now() >= time_; }
  // Never negative; InfiniteDuration for one that never comes.
  absl::Duration Remaining() const;
  // For poll(2): milliseconds, rounded up, at most one minute (who waits longer asks again).
  int PollMilliseconds() const;
  Clock::time_point time() const { return time_; }
  bool infinite() const { return time_ == Clock::time_point::max(); }

 private:
  explicit Deadline(Clock::time_point time) : time_(time) {}

  Clock::time_point time_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_DEADLINE_H_

// When a child that died is started again: a pure function of the times it was started and died.
//
// The first restart comes at once, the next after 100 ms, then twice as long each time up to 5 s; a
// child that lived for 30 s begins anew. Until a child was ready for the first time, dying three
// times within a second of its start means that it can not be started at all.

#ifndef DAEMON_KEEPER_RESTART_POLICY_H_
#define DAEMON_KEEPER_RESTART_POLICY_H_

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap {

struct RestartLimits {
  // Soon enough that clients' reconnects (which back off by seconds) do not notice.
  absl::Duration first_delay = absl::Milliseconds(100);
  // Rare enough that a broken child costs nothing, and that the log can be read.
  absl::Duration longest_delay = absl::Seconds(5);
  // Longer than any start takes.
  absl::Duration healthy_after = absl::Seconds(30);
  // One death may be an accident of the machine, three in a row are a mistake in the set-up.
  int start_attempts = 3;
  absl::Duration start_window = absl::Seconds(1);
};

class RestartPolicy {
 public:
  explicit RestartPolicy(RestartLimits limits = {}) : limits_(limits) {}

  void OnStart(absl::Time now) { started_ = now; }
  // From now on it is restarted for ever.
  void OnReady() { was_ready_ = true; }
  // The delay before the next start; absent: give up.
  absl::optional<absl::Duration> OnExit(absl::Time now);

 private:
  RestartLimits limits_;
  absl::Time started_;
  bool was_ready_ = false;
  int early_deaths_ = 0;
  absl::Duration next_delay_ = absl::ZeroDuration();
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_RESTART_POLICY_H_

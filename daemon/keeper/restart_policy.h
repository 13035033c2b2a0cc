// When a child that died is started again: a pure function of the times it was started and died.
//
// The first restart comes at once, the next after 100 ms, then twice as long each time; a child
// that lived for 30 s begins anew. One that was ready is back within a second, however often it
// dies: its delay ends at 500 ms, that of one which did not get so far at 5 s. Until a child was
// ready for the first time, dying three times within a second of its start means that it can not be
// started at all.

#ifndef DAEMON_KEEPER_RESTART_POLICY_H_
#define DAEMON_KEEPER_RESTART_POLICY_H_

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap {

struct RestartLimits {
  // Soon enough that a client's call (5 s, if it does not say otherwise) hardly notices.
  absl::Duration first_delay = absl::Milliseconds(100);
  // Of a child that served in the life that ended. Clients wait for it: with its own start, of some
  // 50 ms (three times that under sanitizers), it is back within a second, and at two restarts a
  // second one that dies each time takes a tenth of a processor.
  absl::Duration longest_delay_served = absl::Milliseconds(500);
  // Of one that did not come up, as with a policy file that became wrong: nobody could be served.
  // Rare enough that it costs nothing, and that the log can be read.
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

  void OnStart(absl::Time now) {
    started_ = now;
    ready_ = false;
  }
  // It serves, in this life. From now on it is restarted for ever.
  void OnReady() { ready_ = ever_ready_ = true; }
  // The delay before the next start; absent: give up.
  absl::optional<absl::Duration> OnExit(absl::Time now);

 private:
  RestartLimits limits_;
  absl::Time started_;
  bool ready_ = false;
  bool ever_ready_ = false;
  int early_deaths_ = 0;
  absl::Duration next_delay_ = absl::ZeroDuration();
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_RESTART_POLICY_H_

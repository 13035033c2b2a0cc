// When the kernel wrote a record of its log, at the latest, by the monotonic clock.
//
// A record's stamp is local_clock() (vprintk_store in kernel/printk/printk.c): a clock that begins
// about the boot, but nobody promises that, and whose processors may be up to a tick apart
// (kernel/sched/clock.c). It is not adjusted as the monotonic clock is, by up to 500 ppm (MAXFREQ
// in include/linux/timex.h). So the two can not be compared as they are. But a record had been
// written when it was read: that says how far local_clock() is ahead at least. The sooner a record
// is read, the closer that is, and one of a failure is read soon.

#ifndef DAEMON_DIAGNOSIS_PROBER_LOG_CLOCK_H_
#define DAEMON_DIAGNOSIS_PROBER_LOG_CLOCK_H_

#include "absl/time/time.h"

namespace dmaheap {

class LogClock {
 public:
  // The longest tick (CONFIG_HZ=100).
  static constexpr absl::Duration kTick = absl::Milliseconds(10);

  // A record with that stamp was read then, later than those before.
  void OnRead(absl::Duration stamp, absl::Time read_at);

  // One with that stamp was written no later. Of one of the last that were read.
  absl::Time Latest(absl::Duration stamp) const;

 private:
  // local_clock() is ahead of the monotonic clock by so much or more, as of then.
  absl::Duration ahead_ = -absl::InfiniteDuration();
  absl::Time as_of_ = absl::InfinitePast();
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_LOG_CLOCK_H_

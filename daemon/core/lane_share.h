// How much of an area's one worker the requests may take that failed before, while others flow.
//
// An attempt at a large buffer that is in the way of nothing but itself can take a hundred times as
// long as a small one, and all small ones stand behind it. So where quicker attempts were served
// within the last kRecent, retries that take longer get at most one part in kParts of the time.
// Where all take about as long as each other, or nobody else came, there is no bound.
//
// Inside tasks of the executor only. No clock: now is the caller's.

#ifndef DAEMON_CORE_LANE_SHARE_H_
#define DAEMON_CORE_LANE_SHARE_H_

#include "absl/time/time.h"

namespace dmaheap {

class LaneShare {
 public:
  // A fifth.
  static constexpr int kParts = 5;
  static constexpr absl::Duration kRecent = absl::Seconds(1);
  // An attempt is quicker than another if it takes less than this part of it.
  static constexpr int kQuicker = 4;

  // An attempt that took so long was served.
  void OnServed(absl::Time now, absl::Duration took);

  // How long the next attempt of a request has to wait whose last one took so long. Books the time:
  // the next to ask comes after it.
  absl::Duration BookRetry(absl::Time now, absl::Duration took);

 private:
  // The quickest within this window and the one before it: between one and two kRecent.
  absl::Time window_ = absl::InfinitePast();
  absl::Duration quickest_ = absl::InfiniteDuration();
  absl::Duration quickest_before_ = absl::InfiniteDuration();
  void Turn(absl::Time now);

  absl::Time next_retry_ = absl::InfinitePast();
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_LANE_SHARE_H_

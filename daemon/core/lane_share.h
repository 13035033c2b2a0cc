// How much of an area's one worker the requests may take that failed before, while others flow.
//
// An attempt at a large buffer that is in the way of nothing but itself can take a hundred times as
// long as a small one, and all small ones stand behind it. So where smaller requests were served
// within the last kRecent, and quicker, retries that take longer get at most one part in kParts of
// the time. Where all take about as long as each other, or nobody with less came, there is no
// bound: that the same size went quicker a moment ago, when nothing was in its way, holds up
// nobody.
//
// Inside tasks of the executor only. No clock: now is the caller's.

#ifndef DAEMON_CORE_LANE_SHARE_H_
#define DAEMON_CORE_LANE_SHARE_H_

#include <cstdint>

#include "absl/time/time.h"

namespace dmaheap {

class LaneShare {
 public:
  // A fifth.
  static constexpr int kParts = 5;
  static constexpr absl::Duration kRecent = absl::Seconds(1);
  // An attempt is quicker than another if it takes less than this part of it.
  static constexpr int kQuicker = 4;

  // An attempt at so many bytes that took so long was served.
  void OnServed(absl::Time now, absl::Duration took, int64_t bytes);

  // How long the next attempt of a request for so many bytes has to wait whose last one took so
  // long. Books the time: the next to ask comes after it.
  absl::Duration BookRetry(absl::Time now, absl::Duration took, int64_t bytes);

 private:
  struct Served {
    absl::Duration took = absl::InfiniteDuration();
    int64_t bytes = 0;
  };

  void Turn(absl::Time now);

  // The quickest within this window and the one before it: between one and two kRecent.
  absl::Time window_ = absl::InfinitePast();
  Served quickest_;
  Served quickest_before_;

  absl::Time next_retry_ = absl::InfinitePast();
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_LANE_SHARE_H_

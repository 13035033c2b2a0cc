// The page that was in the way of a request's last attempts, where that is known: pure.

#ifndef DAEMON_CORE_PINNED_PAGE_H_
#define DAEMON_CORE_PINNED_PAGE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/core/page_watch.h"

namespace dmaheap {

struct PinnedPage {
  // The first failure of a request on a heap after which it is asked. In a storm of forks three
  // tries were the mean (tests/bench/storm.cc, 1000 attempts, Linux 6.12).
  static constexpr int kFirstAsked = 4;

  // One that is in the way for so long stays.
  static constexpr absl::Duration kStays = absl::Milliseconds(100);

  PageWatch::Id watch = 0;
  // 0: not known.
  uint64_t frame = 0;
  bool watched = false;
  // It was the one at a failure while it was watched: it was not let go before the watch began.
  bool held_while_watched = false;
  // The failure after which it was asked for, until the answer is there.
  absl::Time asked_at = absl::InfinitePast();
  // The failures at which it was first and last the one.
  absl::Time first_seen = absl::InfinitePast();
  absl::Time last_seen = absl::InfinitePast();
  // Another one was before it, of the same request.
  bool others_met = false;
  bool asked_for_mappers = false;
  absl::optional<PageMappers> mappers = absl::nullopt;
  bool asked_for_pinners = false;
  // As they were found at that time.
  absl::optional<PagePinners> pinners = absl::nullopt;
  absl::Time pinners_found = absl::InfinitePast();
  // Absent: not told.
  absl::optional<bool> of_filesystem = absl::nullopt;
  // It was asked for, and nobody could tell, or there was none.
  bool untold = false;
  // What was told of the attempt itself; absent: nothing.
  absl::optional<PageInTheWay> told = absl::nullopt;
  // The failure that the last answer was of, whatever it said.
  absl::Time told_of = absl::InfinitePast();

  absl::Duration StuckFor() const {
    return frame == 0 ? absl::ZeroDuration() : last_seen - first_seen;
  }

  // Pages that are in the way come and go: this one has not stayed either, so far.
  bool Changes() const { return others_met && StuckFor() < kStays; }

  // It was found to be the one at that failure. Another one than before begins anew.
  void Met(const PageInTheWay& found, absl::Time failure) {
    if (frame != found.frame) {
      const bool others = others_met || frame != 0;
      *this = PinnedPage{.watch = watch, .first_seen = failure};
      frame = found.frame;
      others_met = others;
    }
    held_while_watched = watched && found.watched;
    watched = found.watched;
    of_filesystem = found.of_filesystem;
    told = found;
    last_seen = failure;
  }
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_PINNED_PAGE_H_

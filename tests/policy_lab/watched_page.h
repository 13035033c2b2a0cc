// What the daemon would know of the page in a request's way: when it asks, what the prober answers,
// when a release is told. Of its own pieces core/pinned_page.h; the prober's part is modelled.

#ifndef TESTS_POLICY_LAB_WATCHED_PAGE_H_
#define TESTS_POLICY_LAB_WATCHED_PAGE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "daemon/core/pinned_page.h"

namespace dmaheap::policy_lab {

// Until the prober's answer is there, and until a release is told: assumed. A message to another
// process and back takes a tenth of it where a processor is free.
inline constexpr absl::Duration kNoticeTime = absl::Milliseconds(1);

class WatchedPage {
 public:
  // Whether the n-th failure, from 1, is one after which the daemon asks.
  static bool IsAsked(int failures) { return failures >= PinnedPage::kFirstAsked; }

  // The answer to a question after that failure. The prober watches a page from the second question
  // in a row on that finds it (diagnosis/prober/page_tracer.h).
  void Answer(uint64_t frame, absl::Time failure) {
    PageInTheWay found;
    found.frame = frame;
    found.watched = page_.frame == frame;
    page_.Met(found, failure);
  }

  absl::Duration stuck_for() const { return page_.StuckFor(); }
  // Its release is told.
  bool watched() const { return page_.watched; }
  bool held_while_watched() const { return page_.held_while_watched; }

 private:
  PinnedPage page_;
};

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_WATCHED_PAGE_H_

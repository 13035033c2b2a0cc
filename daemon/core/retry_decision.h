// What becomes of a request after a failed attempt: a pure function of its policy, of what happened
// so far and of what is known of the area. No clock, no I/O: the caller waits, and asks again.
//
// What it promises, whatever the history: at most max_attempts attempts on one heap; the last
// attempt begins at most max_elapsed after the request was accepted; no delay is above max_backoff
// and its jitter, but for least_delay, and where the release of the page in the way is watched; no
// sync is waited for beyond the policy's box.

#ifndef DAEMON_CORE_RETRY_DECISION_H_
#define DAEMON_CORE_RETRY_DECISION_H_

#include <string>
#include <variant>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/config/retry_policy.h"

namespace dmaheap {

struct AttemptHistory {
  // On this heap, all failed; 1 or more.
  int attempts = 1;
  // Of the last.
  int error_number = 0;
  // Since the request was accepted.
  absl::Duration elapsed;
  // Since the first of them.
  absl::Duration failing = absl::ZeroDuration();
  // Until its answer is due.
  absl::Duration remaining = absl::InfiniteDuration();
  // How many of the policy's fallback heaps were turned to already.
  int fallbacks = 0;
};

struct AreaSnapshot {
  // After which half of the pins are gone that lasted as long as this one (pin_lifetimes.h).
  // Absent: too few were seen.
  absl::optional<absl::Duration> learned_delay = absl::nullopt;
  // How long one and the same page has been in the way; zero where nobody can see that.
  absl::Duration stuck_for = absl::ZeroDuration();
  // Each attempt is refused by another page, none of which stays: a long wait is worse than a short
  // one then. Every attempt moves those pages out of the area that can be moved, and the longer
  // nobody tries, the more come back. (Measured with a storm of forks, Linux 6.12: 10 attempts 1 ms
  // apart had the whole area in 0.3 s, attempts 30 ms apart in 2 to 30 s, 80 ms apart never.)
  bool pages_change = false;
  // One page was in the way more than once, and from now on its release is watched. Whether it was
  // still there when that began, the next attempt tells.
  bool watch_begun = false;
  // Its release ends the wait, whatever its length: it is watched, and has been since before the
  // last attempt met it.
  bool page_watched = false;
  // So that others of the area get their turn in between.
  absl::Duration least_delay = absl::ZeroDuration();
  // The policy's barrier may be tried, and could help: the area has room.
  bool barrier_ready = false;
  // Somebody has to give memory back.
  bool lacks_room = false;
  // The policy's file systems may be synced, and that could help: the area has room, and the page
  // in the way is not known for one that is no file system's.
  bool sync_ready = false;
};

// Where the release of the page in the way is watched, the wait is at least so many times as long
// as it has been in the way, up to kLongestWatchedWait: it only guards against a release that went
// unseen.
inline constexpr double kWatchedStretch = 8;

// Where the watch begins, the wait is at least such a part of the time since the first failure. The
// kernel takes some 25 ms to begin it (Linux 6.12, emulated), and what is tried meanwhile, once a
// millisecond, is in vain for a page that stays; for one that went it is half as late at most.
inline constexpr double kBegunStretch = 0.5;

struct RetryAfter {
  absl::Duration delay;
  // Meanwhile clients are asked to give buffers back.
  bool ask_clients = false;
};
// The next attempt comes at once, while the policy's cgroup stands still. Where that is refused,
// ask again without barrier_ready.
struct BehindBarrier {};
// The next attempt comes when the policy's file systems are synced, or the box has ended. Where
// that is refused, ask again without sync_ready.
struct SyncFirst {
  absl::Duration box;
};
struct FallBack {
  std::string heap;
};
struct GiveUp {
  enum class Reason {
    // The same call would fail again.
    kNotTransient,
    kAttemptsUsed,
    kTimeUsed,
    kStuck,
  };
  Reason reason;
};
using RetryDecision = std::variant<RetryAfter, BehindBarrier, SyncFirst, FallBack, GiveUp>;

// Whether the same call may succeed a moment later. ENOMEM: a page was pinned, or somebody frees
// (the kernel says ENOMEM for whatever a CMA heap could not give;
// drivers/dma-buf/heaps/cma_heap.c). EAGAIN, EBUSY, EINTR: as they say. Everything else stays as it
// is.
bool IsTransient(int error_number);

// random is uniform in [0, 1).
RetryDecision DecideRetry(const RetryPolicy& policy, const AttemptHistory& history,
                          const AreaSnapshot& area, double random);

}  // namespace dmaheap

#endif  // DAEMON_CORE_RETRY_DECISION_H_

#include "daemon/diagnosis/failure_log.h"

#include <algorithm>

namespace dmaheap {
namespace {

// So many lines the kernel writes in so long; its interval is measured in ticks, by another clock,
// so a second more.
constexpr int kBurst = 10;
constexpr absl::Duration kInterval = absl::Seconds(6);

// Whether each failure since then is in the log: it has fewer, of whatever area, than the kernel
// needs before it leaves one out, and it is all there.
bool HasEach(const FailureLog& log, absl::Time since) {
  const absl::Time interval = since - kInterval;
  if (log.whole_since > interval) return false;
  return std::count_if(log.failures.begin(), log.failures.end(), [&](const LoggedFailure& failure) {
           return failure.latest >= interval;
         }) < kBurst;
}

struct Matches {
  int count = 0;
  const LoggedFailure* last = nullptr;
};

// Those that may be of these attempts, and were not written before that time.
Matches MatchesSince(const FailureLog& log, const FailedAttempts& attempts, absl::Time since) {
  Matches matches;
  for (const LoggedFailure& failure : log.failures) {
    if (failure.area != attempts.area || failure.pages != attempts.pages) continue;
    if (failure.thread != 0 && failure.thread != attempts.thread) continue;
    if (failure.latest < since) continue;
    ++matches.count;
    matches.last = &failure;
  }
  return matches;
}

}  // namespace

const LoggedFailure* FindLast(const FailureLog& log, const FailedAttempts& attempts) {
  if (attempts.area.empty()) return nullptr;
  // An area has one attempt at a time, so a second line is another's, or of an attempt right
  // before.
  if (HasEach(log, attempts.last_began)) {
    const Matches matches = MatchesSince(log, attempts, attempts.last_began);
    if (matches.count == 1) return matches.last;
  }
  // One line for each attempt: none is another's.
  if (HasEach(log, attempts.first_began)) {
    const Matches matches = MatchesSince(log, attempts, attempts.first_began);
    if (matches.count == attempts.count) return matches.last;
  }
  return nullptr;
}

}  // namespace dmaheap

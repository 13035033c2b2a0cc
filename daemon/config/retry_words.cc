#include "daemon/config/retry_words.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace dmaheap {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// Without digits that nobody needs.
std::string Span(absl::Duration span) {
  const absl::Duration unit =
      span >= absl::Seconds(1) ? absl::Milliseconds(1) : absl::Microseconds(1);
  return absl::FormatDuration(span < unit ? span : absl::Trunc(span + unit / 2, unit));
}

// 2501 -> 2500: of a number that is not exact anyway.
double TwoDigits(double number) {
  const double unit = std::pow(10.0, std::max(0.0, std::floor(std::log10(number)) - 1));
  return std::round(number / unit) * unit;
}

bool WaitsAreAlike(const RetryPolicy& policy) {
  return policy.multiplier == 1.0 || policy.initial_backoff == policy.max_backoff;
}

std::string Bounds(const RetryPolicy& policy) {
  const bool timed = policy.max_elapsed != absl::InfiniteDuration();
  const std::string time = absl::StrCat(Span(policy.max_elapsed), " from the request on");
  if (policy.max_attempts.has_value()) {
    return absl::StrCat("Tries up to ", *policy.max_attempts, " times",
                        timed ? absl::StrCat(", for ", time) : "");
  }
  return timed ? absl::StrCat("Tries for ", time) : "Tries until it succeeds";
}

std::string Waits(const RetryPolicy& policy) {
  const std::string initial = Span(policy.initial_backoff);
  std::string text = absl::StrCat("; waits ", initial);
  if (WaitsAreAlike(policy)) {
    absl::StrAppend(&text, " between attempts");
  } else {
    absl::StrAppend(&text, " at first, then each time ", policy.multiplier,
                    " times as long, up to ", Span(policy.max_backoff));
  }
  if (policy.jitter > 0) {
    absl::StrAppend(&text, ", give or take ", std::round(policy.jitter * 1000) / 10, " %");
  }
  // Between two equal bounds there is nothing to learn.
  if (policy.learn && policy.initial_backoff < policy.max_backoff) {
    absl::StrAppend(&text, "; or for as long as pins there were seen to last, from ", initial,
                    " to ", Span(policy.max_backoff));
  }
  absl::StrAppend(&text, ".");
  if (!policy.max_attempts.has_value()) {
    absl::StrAppend(&text, " A release that it sees brings the next attempt sooner; for that of a ",
                    "page that it watches it waits up to ", Span(kLongestWatchedWait), ".");
    if (!WaitsAreAlike(policy)) {
      absl::StrAppend(&text,
                      " Where it sees each attempt refused by another page, it goes on "
                      "waiting as at first.");
    }
  }
  return text;
}

std::string WorstCase(const RetryPolicy& policy) {
  const bool timed = policy.max_elapsed != absl::InfiniteDuration();
  if (!policy.max_attempts.has_value() && !timed) {
    return "No bound of its own: it ends with the caller's deadline or cancel, or with an error "
           "that "
           "no retry mends.";
  }
  const double most = MostAttempts(policy);
  const std::string attempts =
      most == kUnbounded ? "any number of attempts"
      : policy.max_attempts.has_value() && most >= *policy.max_attempts
          ? absl::StrCat(*policy.max_attempts, *policy.max_attempts == 1 ? " attempt" : " attempts")
          : absl::StrCat("about ", static_cast<int64_t>(TwoDigits(most)), " attempts",
                         policy.max_attempts.has_value() ? "" : ", beside those of releases");
  const absl::Duration waits = LongestWaits(policy);
  if (waits < policy.max_elapsed) {
    return absl::StrCat("At worst ", attempts, " and ", Span(waits), " of waiting between them.");
  }
  return absl::StrCat("At worst ", attempts, ", the last ", Span(policy.max_elapsed),
                      " after the request.");
}

}  // namespace

absl::Duration LongestWaits(const RetryPolicy& policy) {
  if (!policy.max_attempts.has_value()) return absl::InfiniteDuration();
  const int waits = *policy.max_attempts - 1;
  absl::Duration sum;
  double factor = 1.0;
  for (int i = 0; i < waits; ++i) {
    sum += policy.learn ? policy.max_backoff
                        : std::min(policy.initial_backoff * factor, policy.max_backoff);
    factor *= policy.multiplier;
  }
  return sum * (1.0 + policy.jitter);
}

double MostAttempts(const RetryPolicy& policy) {
  const double by_count = policy.max_attempts.has_value() ? *policy.max_attempts : kUnbounded;
  if (policy.max_elapsed == absl::InfiniteDuration()) return by_count;
  const double shrink = 1.0 - policy.jitter;
  if (shrink <= 0) return by_count;
  const double time = absl::ToDoubleSeconds(policy.max_elapsed) / shrink;
  const double initial = absl::ToDoubleSeconds(policy.initial_backoff);
  const double longest = absl::ToDoubleSeconds(policy.max_backoff);
  double waits = 0;
  // Without a count, waits may stay as short as the first.
  if (policy.learn || !policy.max_attempts.has_value() || WaitsAreAlike(policy)) {
    waits = time / initial;
  } else {
    // A geometric row until the longest wait is reached, equal ones from there on.
    const double ratio = policy.multiplier;
    const double growing = std::ceil(std::log(longest / initial) / std::log(ratio));
    const double grown = initial * (std::pow(ratio, growing) - 1) / (ratio - 1);
    waits = time <= grown ? std::log1p(time * (ratio - 1) / initial) / std::log(ratio)
                          : growing + (time - grown) / longest;
  }
  // The last one is cut short, so that it ends in time. The rest of a division is no wait.
  return std::min(by_count, 1 + std::ceil(waits - 1e-6));
}

std::string RetryWords(const RetryPolicy& policy) {
  std::string text;
  if (policy.max_attempts == 1) {
    text = "Tries once and never waits.";
  } else {
    text = absl::StrCat(Bounds(policy), Waits(policy));
    if (policy.give_up_when_stuck_for != absl::InfiniteDuration()) {
      absl::StrAppend(&text, " Gives up once the same page has been in the way for ",
                      Span(policy.give_up_when_stuck_for), ", where the kernel tells which it is.");
    }
  }
  if (policy.barrier.has_value()) {
    absl::StrAppend(&text, " From failure ", policy.barrier->after_attempts,
                    " on, where the area has room, the next attempt comes at once while cgroup ",
                    policy.barrier->cgroup, " stands still, for at most ",
                    Span(policy.barrier->box),
                    " and within the keeper's budget; where that is refused, it waits.");
  }
  if (policy.ask_clients.has_value()) {
    absl::StrAppend(&text, " From failure ", policy.ask_clients->after_attempts,
                    " on, where the heap has no room, it has clients asked to give buffers back, "
                    "at most once a second.");
  }
  if (policy.sync.has_value()) {
    absl::StrAppend(&text, " From failure ", policy.sync->after_attempts,
                    " on, where the area has room and the page in the way may be a file system's, "
                    "it has ",
                    absl::StrJoin(policy.sync->filesystems, ", "),
                    " synced, waits for that at most ", Span(policy.sync->box),
                    " and tries again at once; where that is refused, as within a second of the "
                    "last, or takes longer, it waits.");
  }
  if (!policy.fallback_heaps.empty()) {
    absl::StrAppend(&text, " Instead of giving up it turns to ",
                    absl::StrJoin(policy.fallback_heaps, ", then "),
                    ", in the same way; the response says which heap served.");
  }
  if (policy.max_attempts == 1) return text;
  return absl::StrCat(text, " ", WorstCase(policy),
                      policy.fallback_heaps.empty() ? "" : " Each heap has its own attempts.");
}

}  // namespace dmaheap

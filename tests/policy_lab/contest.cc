#include "tests/policy_lab/contest.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <random>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "daemon/core/pin_lifetimes.h"
#include "daemon/core/retry_decision.h"
#include "heaps/simulated_area.h"

namespace dmaheap::policy_lab {
namespace {

const absl::Time kStart = absl::UnixEpoch();

// Pins of a trace that are in force, put onto an area as time goes by.
class PinFeed {
 public:
  PinFeed(const PinTrace& trace, SimulatedArea& area, absl::Duration from)
      : trace_(trace), area_(area) {
    for (; next_ < trace.pins.size() && trace.pins[next_].start < from; ++next_) {
      const Pin& pin = trace.pins[next_];
      if (pin.start + pin.duration > from) Put(pin);
    }
  }

  void AdvanceTo(absl::Duration now) {
    for (; next_ < trace_.pins.size() && trace_.pins[next_].start <= now; ++next_) {
      Put(trace_.pins[next_]);
    }
  }

 private:
  // A page that is pinned already stays so for the longer of the two.
  void Put(const Pin& pin) {
    absl::Duration& until = until_[pin.page];
    until = std::max(until, pin.start + pin.duration);
    area_.Pin(area_.base_pfn() + pin.page, kStart + until).IgnoreError();
  }

  const PinTrace& trace_;
  SimulatedArea& area_;
  size_t next_ = 0;
  absl::flat_hash_map<int64_t, absl::Duration> until_;
};

struct Run {
  bool served = false;
  absl::Duration wait;
  int attempts = 0;
};

absl::StatusOr<Run> PlayOne(const RetryPolicy& policy, const PinTrace& trace, const Demand& demand,
                            absl::Duration arrival, PinLifetimes& lifetimes,
                            std::mt19937_64& random) {
  SimulatedAreaOptions options;
  options.pages = trace.area_pages;
  options.seed = demand.seed;
  absl::StatusOr<SimulatedArea> area = SimulatedArea::Create(options);
  if (!area.ok()) return area.status();
  PinFeed pins(trace, *area, arrival);
  const int64_t pages = demand.pages == 0 ? trace.area_pages : demand.pages;

  Run run;
  absl::Duration now = arrival, first_failure, last_failure;
  while (true) {
    pins.AdvanceTo(now);
    const absl::Duration begin = now;
    const SimulatedArea::Attempt attempt = area->Allocate(pages, kStart + now);
    ++run.attempts;
    now += attempt.elapsed;
    if (attempt.cause == SimulatedArea::Cause::kNone) {
      run.served = true;
      if (run.attempts > 1) lifetimes.Add(last_failure - first_failure, begin - first_failure);
      break;
    }
    if (run.attempts == 1) first_failure = now;
    last_failure = now;
    AttemptHistory history;
    history.attempts = run.attempts;
    history.error_number = ENOMEM;
    history.elapsed = now - arrival;
    history.remaining = arrival + demand.deadline - now;
    AreaSnapshot snapshot;
    snapshot.learned_delay = lifetimes.MedianRest(now - first_failure);
    const RetryDecision decision =
        DecideRetry(policy, history, snapshot, std::uniform_real_distribution<double>()(random));
    const auto* retry = std::get_if<RetryAfter>(&decision);
    if (retry == nullptr) break;
    now += retry->delay;
    if (now >= arrival + demand.deadline) {
      now = arrival + demand.deadline;
      break;
    }
  }
  run.wait = now - arrival;
  return run;
}

}  // namespace

absl::Duration Score::Percentile(double share) const {
  if (waits.empty()) return absl::ZeroDuration();
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(waits.size())));
  return waits[std::clamp<size_t>(rank, 1, waits.size()) - 1];
}

absl::StatusOr<Score> Play(const RetryPolicy& policy, const PinTrace& trace, const Demand& demand) {
  if (demand.pages < 0 || demand.pages > trace.area_pages) {
    return absl::InvalidArgumentError(
        absl::StrCat(demand.pages, " pages are asked of an area of ", trace.area_pages));
  }
  Score score;
  score.policy = policy.name;
  score.requests = demand.requests;
  PinLifetimes lifetimes;
  std::mt19937_64 random(demand.seed);
  absl::Duration waited;
  int attempts = 0;
  for (int i = 0; i < demand.requests; ++i) {
    const absl::Duration arrival = trace.length() * i / demand.requests;
    absl::StatusOr<Run> run = PlayOne(policy, trace, demand, arrival, lifetimes, random);
    if (!run.ok()) return run.status();
    attempts += run->attempts;
    waited += run->wait;
    if (!run->served) continue;
    ++score.served;
    score.waits.push_back(run->wait);
  }
  std::sort(score.waits.begin(), score.waits.end());
  if (demand.requests > 0) {
    score.mean_wait = waited / demand.requests;
    score.attempts_mean = static_cast<double>(attempts) / demand.requests;
  }
  return score;
}

}  // namespace dmaheap::policy_lab

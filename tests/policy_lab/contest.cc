#include "tests/policy_lab/contest.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <numbers>
#include <random>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "daemon/core/pin_lifetimes.h"
#include "daemon/core/retry_decision.h"
#include "heaps/simulated_area.h"
#include "tests/policy_lab/lab_barrier.h"
#include "tests/policy_lab/watched_page.h"

namespace dmaheap::policy_lab {
namespace {

// Of a trace's time.
absl::Time At(absl::Duration time) { return absl::UnixEpoch() + time; }

// What the requests of a contest share.
struct Course {
  const RetryPolicy& policy;
  const PinTrace& trace;
  const Demand& demand;
  PinLifetimes lifetimes = {};
  LabBarrier barrier = {};
  std::mt19937_64 random;

  double Random() { return std::uniform_real_distribution<double>()(random); }
};

struct Run {
  bool served = false;
  absl::Duration wait;
  int attempts = 0;
  int woken = 0;
  int barriers = 0;
  int behind_barriers = 0;
  int cured = 0;
  absl::Duration frozen;
};

class Request {
 public:
  Request(Course& course, SimulatedArea area, absl::Duration arrival)
      : course_(course),
        area_(std::move(area)),
        pins_(course.trace, area_, arrival, course.demand.frozen, course.demand.seed),
        arrival_(arrival),
        due_(arrival + course.demand.deadline),
        now_(arrival) {}

  Run Play() {
    bool goes_on = true;
    while (goes_on && !run_.served) goes_on = !Attempt(absl::nullopt) && AfterFailure();
    now_ = std::min(now_, due_);
    run_.wait = now_ - arrival_;
    return run_;
  }

 private:
  // Behind a cgroup that stands still, or without. True: it served, or came too late for it.
  bool Attempt(const absl::optional<LabBarrier::Stand>& stand) {
    const absl::Duration begin = now_;
    now_ += AttemptTime();
    if (stand.has_value()) StandStill(*stand, begin, std::min(now_, stand->end));
    pins_.AdvanceTo(now_);
    pins_.PassOver(begin, now_);
    const Demand& demand = course_.demand;
    const SimulatedArea::Attempt attempt =
        area_.Allocate(demand.pages == 0 ? course_.trace.area_pages : demand.pages, At(now_));
    now_ += attempt.elapsed;
    ++run_.attempts;
    if (attempt.cause == SimulatedArea::Cause::kNone) {
      if (stand.has_value()) {
        ++run_.cured;
      } else if (run_.attempts > 1) {
        course_.lifetimes.Add(last_failure_ - first_failure_, begin - first_failure_);
      }
      run_.served = now_ <= due_;
      return true;
    }
    last_failure_ = now_;
    if (run_.attempts == 1) first_failure_ = now_;
    is_pinned_ = attempt.cause == SimulatedArea::Cause::kPinned;
    blocking_frame_ = attempt.blocking_pfn;
    is_held_ = is_pinned_ && ReleaseOfPage() > now_;
    return false;
  }

  absl::Duration AttemptTime() {
    const auto& times = course_.trace.attempt_times;
    if (times.empty()) return absl::ZeroDuration();
    return times[std::uniform_int_distribution<size_t>(0, times.size() - 1)(course_.random)];
  }

  void StandStill(const LabBarrier::Stand& stand, absl::Duration from, absl::Duration until) {
    pins_.StandStill(from, until);
    course_.barrier.Thawed(stand, until);
    run_.frozen += until - stand.begin;
  }

  // Until the next attempt without a barrier, which is then due. False: there is none, as one
  // behind a barrier served, or as all is over.
  bool AfterFailure() {
    while (true) {
      RetryDecision decision = Decide(/*barrier_ready=*/is_pinned_);
      if (std::holds_alternative<BehindBarrier>(decision)) {
        const absl::optional<LabBarrier::Stand> stand =
            course_.barrier.Raise(now_, course_.policy.barrier->box, course_.Random());
        if (stand.has_value()) {
          ++run_.barriers;
          if (stand->frozen.has_value()) {
            AskForPage();
            now_ = *stand->frozen;
            ++run_.behind_barriers;
            if (Attempt(stand)) return false;
            continue;
          }
          // It did not stand still in time, and goes on.
          now_ = stand->end;
          course_.barrier.Thawed(*stand, stand->end);
          run_.frozen += stand->end - stand->begin;
        }
        decision = Decide(/*barrier_ready=*/false);
      }
      return WaitAsDecided(decision);
    }
  }

  RetryDecision Decide(bool barrier_ready) {
    AttemptHistory history;
    history.attempts = run_.attempts;
    history.error_number = ENOMEM;
    history.elapsed = now_ - arrival_;
    history.remaining = due_ - now_;
    AreaSnapshot area;
    area.learned_delay = course_.lifetimes.MedianRest(now_ - first_failure_);
    area.stuck_for = page_.stuck_for();
    area.page_watched = page_.held_while_watched() && !course_.policy.max_attempts.has_value();
    area.barrier_ready = barrier_ready && course_.policy.barrier.has_value();
    return DecideRetry(course_.policy, history, area, course_.Random());
  }

  bool IsAsked() const {
    return course_.demand.page_watch && is_pinned_ && WatchedPage::IsAsked(run_.attempts);
  }
  void AskForPage() {
    if (IsAsked()) page_.Answer(static_cast<uint64_t>(blocking_frame_), At(last_failure_));
  }

  bool WaitAsDecided(const RetryDecision& decision) {
    const auto* retry = std::get_if<RetryAfter>(&decision);
    if (retry == nullptr) return false;
    absl::Duration next = now_ + retry->delay;
    if (IsAsked()) {
      AskForPage();
      const absl::Duration answered = now_ + kNoticeTime;
      // Else the next attempt is under way when the answer comes.
      if (answered < next) {
        now_ = answered;
        const RetryDecision again = Decide(/*barrier_ready=*/false);
        retry = std::get_if<RetryAfter>(&again);
        if (retry == nullptr) return false;
        next = WakeAt(now_ + retry->delay);
      }
    }
    now_ = next;
    return now_ < due_;
  }

  // The release of the page in the way, if that is told and comes before next.
  absl::Duration WakeAt(absl::Duration next) {
    // Whose attempts are counted does not lose one to a release that may be one of many.
    // What was let go before the attempt looked has not helped it, and is not told.
    if (!page_.watched() || !is_held_ || course_.policy.max_attempts.has_value()) return next;
    pins_.AdvanceTo(now_);
    const absl::Duration told = ReleaseOfPage() + kNoticeTime;
    const absl::Duration soonest = std::max(told, last_failure_ + course_.policy.initial_backoff);
    if (soonest >= next) return next;
    ++run_.woken;
    return soonest;
  }

  absl::Duration ReleaseOfPage() const {
    return pins_.ReleaseOf(blocking_frame_ - area_.base_pfn(), now_);
  }

  Course& course_;
  SimulatedArea area_;
  PinFeed pins_;
  const absl::Duration arrival_;
  const absl::Duration due_;
  absl::Duration now_;
  absl::Duration first_failure_;
  absl::Duration last_failure_;
  bool is_pinned_ = false;
  // It has its pin still, and was not only passed over.
  bool is_held_ = false;
  int64_t blocking_frame_ = 0;
  WatchedPage page_;
  Run run_;
};

absl::StatusOr<SimulatedArea> MakeArea(const Course& course) {
  SimulatedAreaOptions options;
  options.pages = course.trace.area_pages;
  options.seed = course.demand.seed;
  return SimulatedArea::Create(options);
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
  const PinTrace played = Repeated(trace, demand.interval * demand.requests);
  const bool is_repeated = played.pins.size() > trace.pins.size();
  Course course{.policy = policy, .trace = played, .demand = demand, .random = {}};
  course.random.seed(demand.seed);
  Score score;
  score.policy = policy.name;
  score.requests = demand.requests;
  Run sum;
  for (int i = 0; i < demand.requests; ++i) {
    // Not at the same places of each repetition.
    const double place = is_repeated ? i + std::fmod(i * std::numbers::phi, 1) : i;
    const absl::Duration arrival = played.length() * place / demand.requests;
    absl::StatusOr<SimulatedArea> area = MakeArea(course);
    if (!area.ok()) return area.status();
    const Run run = Request(course, *std::move(area), arrival).Play();
    sum.attempts += run.attempts;
    sum.wait += run.wait;
    sum.woken += run.woken;
    sum.barriers += run.barriers;
    sum.behind_barriers += run.behind_barriers;
    sum.cured += run.cured;
    sum.frozen += run.frozen;
    if (!run.served) continue;
    ++score.served;
    score.waits.push_back(run.wait);
  }
  std::sort(score.waits.begin(), score.waits.end());
  if (demand.requests > 0) {
    const double requests = demand.requests;
    score.mean_wait = sum.wait / requests;
    score.attempts_mean = sum.attempts / requests;
    score.woken_mean = sum.woken / requests;
    score.barriers_mean = sum.barriers / requests;
    score.frozen_mean = sum.frozen / requests;
  }
  if (sum.behind_barriers > 0) {
    score.cured_ratio = static_cast<double>(sum.cured) / sum.behind_barriers;
  }
  return score;
}

}  // namespace dmaheap::policy_lab

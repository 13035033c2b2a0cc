#include "daemon/core/retry_decision.h"

#include <cerrno>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);

// 1, 2, 4 ... 100 ms, no jitter, nothing learned.
RetryPolicy Plain() {
  RetryPolicy policy;
  policy.name = "plain";
  policy.jitter = 0;
  return policy;
}

AttemptHistory After(int attempts, int error_number = ENOMEM) {
  AttemptHistory history;
  history.attempts = attempts;
  history.error_number = error_number;
  return history;
}

std::string Words(const RetryDecision& decision) {
  if (const auto* retry = std::get_if<RetryAfter>(&decision)) {
    return "retry after " + absl::FormatDuration(retry->delay) +
           (retry->ask_clients ? ", clients are asked" : "");
  }
  if (const auto* fall_back = std::get_if<FallBack>(&decision)) {
    return "fall back to " + fall_back->heap;
  }
  if (std::holds_alternative<BehindBarrier>(decision)) return "behind the barrier";
  if (const auto* sync = std::get_if<SyncFirst>(&decision)) {
    return "sync within " + absl::FormatDuration(sync->box);
  }
  switch (std::get<GiveUp>(decision).reason) {
    case GiveUp::Reason::kNotTransient:
      return "give up: not transient";
    case GiveUp::Reason::kAttemptsUsed:
      return "give up: attempts used";
    case GiveUp::Reason::kTimeUsed:
      return "give up: time used";
    case GiveUp::Reason::kStuck:
      return "give up: stuck";
  }
  return "?";
}

struct Row {
  const char* what;
  RetryPolicy policy;
  AttemptHistory history;
  AreaSnapshot area;
  double random = 0.5;
  const char* expected;
};

TEST(RetryDecisionTest, EveryBranch) {
  RetryPolicy three = Plain();
  three.max_attempts = 3;
  RetryPolicy falling = three;
  falling.fallback_heaps = {"system", "simulated"};
  RetryPolicy second = Plain();
  second.max_elapsed = absl::Seconds(1);
  RetryPolicy falling_second = second;
  falling_second.fallback_heaps = {"system"};
  RetryPolicy falling_both = falling_second;
  falling_both.max_attempts = 2;
  RetryPolicy impatient = Plain();
  impatient.give_up_when_stuck_for = absl::Seconds(1);
  RetryPolicy shaky = Plain();
  shaky.jitter = 0.5;
  RetryPolicy learning = Plain();
  learning.learn = true;

  RetryPolicy freezing = three;
  freezing.barrier = BarrierUse{.cgroup = "apps", .after_attempts = 2};

  RetryPolicy syncing = three;
  syncing.sync = SyncUse{.filesystems = {"/data"}, .box = 300 * kMs, .after_attempts = 2};
  RetryPolicy syncing_and_freezing = syncing;
  syncing_and_freezing.barrier = freezing.barrier;
  RetryPolicy syncing_for_a_second = syncing;
  syncing_for_a_second.max_elapsed = absl::Seconds(1);

  AttemptHistory late = After(2);
  late.elapsed = absl::Milliseconds(999);
  AttemptHistory too_late = late;
  too_late.elapsed = absl::Seconds(1);
  AttemptHistory fell_once = After(3);
  fell_once.fallbacks = 1;
  AttemptHistory fell_twice = After(3);
  fell_twice.fallbacks = 2;
  AttemptHistory soon_due = After(20);
  soon_due.remaining = 40 * kMs;
  AttemptHistory due = After(20);
  due.remaining = kMs / 2;

  const AreaSnapshot learned{.learned_delay = 7 * kMs};
  const AreaSnapshot learned_too_short{.learned_delay = kMs / 10};
  const AreaSnapshot learned_too_long{.learned_delay = absl::Seconds(9)};
  const AreaSnapshot stuck{.stuck_for = absl::Seconds(1)};
  const AreaSnapshot nearly_stuck{.stuck_for = absl::Milliseconds(999)};
  const AreaSnapshot held_a_while{.stuck_for = 10 * kMs, .page_watched = true};
  const AreaSnapshot held_long{.stuck_for = 500 * kMs, .page_watched = true};
  const AreaSnapshot seen_a_while{.stuck_for = 10 * kMs};
  const AreaSnapshot shared{.least_delay = 320 * kMs};

  const AreaSnapshot ready{.barrier_ready = true};
  const AreaSnapshot sync_ready{.sync_ready = true};
  const AreaSnapshot both_ready{.barrier_ready = true, .sync_ready = true};
  AttemptHistory sync_soon_due = After(2);
  sync_soon_due.remaining = 100 * kMs;

  RetryPolicy asking = three;
  asking.ask_clients = ClientAskUse{.after_attempts = 2};
  const AreaSnapshot full{.lacks_room = true};

  const std::vector<Row> rows = {
      {"first backoff", Plain(), After(1), {}, 0.5, "retry after 1ms"},
      {"grows", Plain(), After(5), {}, 0.5, "retry after 16ms"},
      {"up to its bound", Plain(), After(8), {}, 0.5, "retry after 100ms"},
      {"also when the power overflows", Plain(), After(100000), {}, 0.5, "retry after 100ms"},
      {"a watched page", Plain(), After(1), held_a_while, 0.5, "retry after 80ms"},
      {"for a longest wait", Plain(), After(1), held_long, 0.5, "retry after 1s"},
      {"not beyond being stuck", impatient, After(1), held_long, 0.5, "retry after 500ms"},
      {"not where it is shorter", Plain(), After(8), held_a_while, 0.5, "retry after 100ms"},
      {"not where it is only seen", Plain(), After(1), seen_a_while, 0.5, "retry after 1ms"},
      {"asks clients", asking, After(2), full, 0.5, "retry after 2ms, clients are asked"},
      {"not before so many failures", asking, After(1), full, 0.5, "retry after 1ms"},
      {"not where there is room", asking, After(2), {}, 0.5, "retry after 2ms"},
      {"not where it gives up", asking, After(3), full, 0.5, "give up: attempts used"},
      {"not unless its policy says so", three, After(2), full, 0.5, "retry after 2ms"},
      {"busy", Plain(), After(1, EBUSY), {}, 0.5, "retry after 1ms"},
      {"interrupted", Plain(), After(1, EINTR), {}, 0.5, "retry after 1ms"},
      {"again", Plain(), After(1, EAGAIN), {}, 0.5, "retry after 1ms"},
      {"no fd left", Plain(), After(1, EMFILE), {}, 0.5, "give up: not transient"},
      {"no fd left, nor for another heap",
       falling,
       After(1, ENFILE),
       {},
       0.5,
       "give up: not transient"},
      {"no watch left", falling, After(1, ENOSPC), {}, 0.5, "give up: not transient"},
      {"node gone", Plain(), After(1, ENODEV), {}, 0.5, "give up: not transient"},
      {"node gone, another heap is not", falling, After(1, ENODEV), {}, 0.5, "fall back to system"},
      {"attempts left", three, After(2), {}, 0.5, "retry after 2ms"},
      {"attempts used", three, After(3), {}, 0.5, "give up: attempts used"},
      {"first fallback", falling, After(3), {}, 0.5, "fall back to system"},
      {"second fallback", falling, fell_once, {}, 0.5, "fall back to simulated"},
      {"no fallback left", falling, fell_twice, {}, 0.5, "give up: attempts used"},
      {"time left, less than the backoff", second, late, {}, 0.5, "retry after 1ms"},
      {"time used", second, too_late, {}, 0.5, "give up: time used"},
      {"attempts and time used, for a fallback too",
       falling_both,
       too_late,
       {},
       0.5,
       "give up: attempts used"},
      {"time used, for a fallback too", falling_second, too_late, {}, 0.5, "give up: time used"},
      {"stuck", impatient, After(4), stuck, 0.5, "give up: stuck"},
      {"not yet stuck", impatient, After(4), nearly_stuck, 0.5, "retry after 8ms"},
      {"stuck, and the policy bears it", Plain(), After(4), stuck, 0.5, "retry after 8ms"},
      {"least jitter", shaky, After(5), {}, 0.0, "retry after 8ms"},
      {"more jitter", shaky, After(5), {}, 0.75, "retry after 20ms"},
      {"learned", learning, After(1), learned, 0.5, "retry after 7ms"},
      {"learned, bounded below", learning, After(5), learned_too_short, 0.5, "retry after 1ms"},
      {"learned, bounded above", learning, After(1), learned_too_long, 0.5, "retry after 100ms"},
      {"learning switched off", Plain(), After(1), learned, 0.5, "retry after 1ms"},
      {"barrier, not yet", freezing, After(1), ready, 0.5, "retry after 1ms"},
      {"barrier", freezing, After(2), ready, 0.5, "behind the barrier"},
      {"barrier refused", freezing, After(2), {}, 0.5, "retry after 2ms"},
      {"barrier, but no attempt is left", freezing, After(3), ready, 0.5, "give up: attempts used"},
      {"barrier that the policy does not have", three, After(2), ready, 0.5, "retry after 2ms"},
      {"sync, not yet", syncing, After(1), sync_ready, 0.5, "retry after 1ms"},
      {"sync", syncing, After(2), sync_ready, 0.5, "sync within 300ms"},
      {"sync refused, or of no use", syncing, After(2), {}, 0.5, "retry after 2ms"},
      {"sync, but no attempt is left", syncing, After(3), sync_ready, 0.5,
       "give up: attempts used"},
      {"sync that the policy does not have", three, After(2), sync_ready, 0.5, "retry after 2ms"},
      {"sync before the deadline", syncing, sync_soon_due, sync_ready, 0.5, "sync within 50ms"},
      {"sync in the time left", syncing_for_a_second, late, sync_ready, 0.5, "sync within 1ms"},
      {"sync goes before the barrier", syncing_and_freezing, After(2), both_ready, 0.5,
       "sync within 300ms"},
      {"the barrier once it is refused", syncing_and_freezing, After(2), ready, 0.5,
       "behind the barrier"},
      {"others' turn", Plain(), After(1), shared, 0.5, "retry after 320ms"},
      {"before the deadline, half of what is left", Plain(), soon_due, {}, 0.5, "retry after 20ms"},
      {"the end is the deadline's", Plain(), due, {}, 0.5, "retry after 1ms"},
  };

  for (const Row& row : rows) {
    EXPECT_EQ(Words(DecideRetry(row.policy, row.history, row.area, row.random)), row.expected)
        << row.what;
  }
}

TEST(RetryDecisionTest, TheShippedPoliciesDoWhatTheirNamesSay) {
  const auto& shipped = ShippedRetryPolicies();
  const auto decide = [&](const char* name, int attempts, absl::Duration elapsed) {
    for (const RetryPolicy& policy : shipped) {
      if (policy.name != name) continue;
      AttemptHistory history = After(attempts);
      history.elapsed = elapsed;
      return Words(DecideRetry(policy, history, {}, 0.5));
    }
    return std::string("no such policy");
  };

  EXPECT_EQ(decide(kFailfastPolicy, 1, kMs), "give up: attempts used");
  EXPECT_EQ(decide(kDefaultPolicy, 1, kMs), "retry after 1ms");
  EXPECT_EQ(decide(kDefaultPolicy, 30, absl::Seconds(2)), "give up: time used");
  EXPECT_EQ(decide(kNofailPolicy, 1'000'000, absl::Hours(24)), "retry after 100ms");
  EXPECT_EQ(decide(kKernelPolicy, 1, kMs), "retry after 100ms");
  EXPECT_EQ(decide(kKernelPolicy, 4, 400 * kMs), "retry after 100ms");
  EXPECT_EQ(decide(kKernelPolicy, 5, 500 * kMs), "give up: attempts used");
}

// Whatever an area does, a request keeps to what its policy promises, and ends where that says so.
TEST(RetryDecisionTest, NoSequenceOfAttemptsGoesBeyondThePolicy) {
  std::mt19937_64 random(20261125);
  const auto any = [&](int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random);
  };
  const auto unit = [&] { return std::uniform_real_distribution<double>()(random); };
  for (int sequence = 0; sequence < 3000; ++sequence) {
    RetryPolicy policy;
    policy.initial_backoff = absl::Microseconds(any(1, 20'000));
    policy.max_backoff = policy.initial_backoff * any(1, 50);
    policy.multiplier = 1 + 9 * unit();
    policy.jitter = unit();
    policy.learn = any(0, 1) == 1;
    if (any(0, 1) == 1) policy.max_attempts = any(1, 40);
    // One of the two ends it.
    if (!policy.max_attempts.has_value() || any(0, 1) == 1) {
      policy.max_elapsed = absl::Milliseconds(any(1, 2000));
    }
    if (any(0, 2) == 0) policy.give_up_when_stuck_for = absl::Milliseconds(any(1, 500));
    if (any(0, 2) == 0) policy.barrier = BarrierUse{.cgroup = "apps"};
    if (any(0, 2) == 0) {
      policy.sync = SyncUse{.filesystems = {"/data"}, .box = absl::Milliseconds(any(1, 500))};
    }
    for (int64_t i = any(0, 2); i > 0; --i) {
      policy.fallback_heaps.push_back("heap-" + std::to_string(i));
    }

    AttemptHistory history = After(0);
    int attempts_in_all = 0;
    for (bool ended = false; !ended;) {
      ASSERT_LE(history.elapsed, policy.max_elapsed) << "an attempt begins too late";
      ++history.attempts;
      ++attempts_in_all;
      ASSERT_LE(history.attempts, policy.max_attempts.value_or(history.attempts));
      history.elapsed += absl::Microseconds(any(1, 30'000));
      history.error_number = any(0, 50) == 0 ? ENODEV : ENOMEM;
      AreaSnapshot area;
      if (any(0, 1) == 1) area.learned_delay = absl::Microseconds(any(0, 500'000));
      if (any(0, 3) == 0) area.stuck_for = absl::Microseconds(any(0, 500'000));
      if (any(0, 3) == 0) area.least_delay = absl::Microseconds(any(0, 100'000));
      history.failing = history.elapsed * unit();
      area.pages_change = any(0, 3) == 0;
      area.watch_begun = any(0, 1) == 1;
      area.page_watched = any(0, 1) == 1;
      area.barrier_ready = any(0, 1) == 1;
      area.sync_ready = any(0, 1) == 1;
      const RetryDecision decision = DecideRetry(policy, history, area, unit());
      if (const auto* retry = std::get_if<RetryAfter>(&decision)) {
        ASSERT_GT(retry->delay, absl::ZeroDuration());
        const absl::Duration watched =
            area.page_watched ? kLongestWatchedWait : absl::ZeroDuration();
        ASSERT_LE(retry->delay,
                  std::max({policy.max_backoff * (1 + policy.jitter), area.least_delay, watched}));
        history.elapsed += retry->delay;
      } else if (std::holds_alternative<BehindBarrier>(decision)) {
        ASSERT_TRUE(policy.barrier.has_value());
      } else if (const auto* sync = std::get_if<SyncFirst>(&decision)) {
        ASSERT_TRUE(policy.sync.has_value());
        ASSERT_GT(sync->box, absl::ZeroDuration());
        ASSERT_LE(sync->box, policy.sync->box);
        history.elapsed += sync->box;
      } else if (std::holds_alternative<FallBack>(decision)) {
        ++history.fallbacks;
        history.attempts = 0;
        ASSERT_LE(history.fallbacks, static_cast<int>(policy.fallback_heaps.size()));
      } else {
        ended = true;
      }
      ASSERT_LT(attempts_in_all, 3'000'000) << "it does not end";
    }
  }
}

TEST(RetryDecisionTest, WhileAWatchBeginsTheWaitIsHalfTheTimeOfFailing) {
  RetryPolicy policy;
  policy.initial_backoff = absl::Milliseconds(1);
  policy.max_backoff = absl::Milliseconds(100);
  policy.multiplier = 1;
  policy.jitter = 0;
  AttemptHistory history = After(5);
  history.failing = absl::Milliseconds(20);
  AreaSnapshot area;
  area.watch_begun = true;
  const auto delay = [&] {
    return std::get<RetryAfter>(DecideRetry(policy, history, area, 0.5)).delay;
  };

  EXPECT_EQ(delay(), absl::Milliseconds(10));
  history.failing = absl::Seconds(20);
  EXPECT_EQ(delay(), absl::Milliseconds(100));
  history.failing = absl::Milliseconds(1);
  EXPECT_EQ(delay(), absl::Milliseconds(1));
  // Another one each time: there is none to wait for.
  history.failing = absl::Milliseconds(20);
  area.pages_change = true;
  EXPECT_EQ(delay(), absl::Milliseconds(1));
  // Whose attempts are counted gets the waits that it was written for.
  area.pages_change = false;
  policy.max_attempts = 100;
  EXPECT_EQ(delay(), absl::Milliseconds(1));
}

TEST(RetryDecisionTest, WherePagesComeAndGoTheWaitStaysShortHoweverManyAttemptsFailed) {
  RetryPolicy policy;
  policy.initial_backoff = absl::Milliseconds(1);
  policy.max_backoff = absl::Milliseconds(100);
  policy.multiplier = 2;
  policy.jitter = 0;
  AttemptHistory history;
  history.attempts = 50;
  history.error_number = ENOMEM;
  AreaSnapshot area;
  area.pages_change = true;

  const auto delay = [&] {
    return std::get<RetryAfter>(DecideRetry(policy, history, area, 0.5)).delay;
  };
  EXPECT_EQ(delay(), absl::Milliseconds(1));
  // Others of the area have their turn all the same.
  area.least_delay = absl::Milliseconds(7);
  EXPECT_EQ(delay(), absl::Milliseconds(7));
  // Whose attempts are counted gets the waits that it was written for.
  policy.max_attempts = 100;
  EXPECT_EQ(delay(), absl::Milliseconds(100));
}

}  // namespace
}  // namespace dmaheap

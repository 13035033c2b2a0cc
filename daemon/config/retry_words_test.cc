#include "daemon/config/retry_words.h"

#include <limits>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

TEST(RetryWords, OfTheShippedPoliciesAreThese) {
  ASSERT_EQ(ShippedRetryPolicies().size(), 4u);
  EXPECT_EQ(RetryWords(ShippedRetryPolicies()[0]), "Tries once and never waits.");
  EXPECT_EQ(
      RetryWords(ShippedRetryPolicies()[1]),
      "Tries for 2s from the request on; waits 1ms at first, then each time 1.1 times as long, "
      "up to 100ms, give or take 20 %. A release that it sees brings the next attempt sooner; "
      "for that of a page that it watches it waits up to 1s. Where it sees each attempt "
      "refused by another page, it goes on waiting as at first. Gives up once the same page "
      "has been in the way for 1s, where the kernel tells which it is. At worst about 2500 "
      "attempts, beside those of releases, the last 2s after the request.");
  EXPECT_EQ(RetryWords(ShippedRetryPolicies()[2]),
            "Tries until it succeeds; waits 1ms at first, then each time 1.1 times as long, up to "
            "100ms, give or take 20 %. A release that it sees brings the next attempt sooner; for "
            "that of a page that it watches it waits up to 1s. Where it sees each attempt refused "
            "by another page, it goes on waiting as at first. No bound of its own: it ends with "
            "the caller's deadline or cancel, or with an error that no retry mends.");
  EXPECT_EQ(RetryWords(ShippedRetryPolicies()[3]),
            "Tries up to 5 times; waits 100ms between attempts. At worst 5 attempts and 400ms of "
            "waiting between them.");
}

TEST(RetryWords, FallbacksAreTheirOwnSentence) {
  EXPECT_EQ(RetryWords({.name = "p", .max_attempts = 1, .fallback_heaps = {"a", "b"}}),
            "Tries once and never waits. Instead of giving up it turns to a, then b, in the same "
            "way; the response says which heap served.");
}

TEST(RetryWords, SayWhenClientsAreAsked) {
  EXPECT_NE(RetryWords({.name = "p", .ask_clients = ClientAskUse{.after_attempts = 2}})
                .find("From failure 2 on, where the heap has no room, it has clients asked to give "
                      "buffers back, at most once a second."),
            std::string::npos);
}

TEST(RetryWords, ABarrierSaysWhomItStops) {
  const std::string words =
      RetryWords({.name = "p", .max_attempts = 3, .barrier = BarrierUse{.cgroup = "/apps"}});
  EXPECT_NE(words.find("From failure 1 on, where the area has room, the next attempt comes at once "
                       "while cgroup /apps stands still, for at most 50ms"),
            std::string::npos)
      << words;
}

TEST(RetryWords, ASyncSaysWhatIsWritten) {
  const std::string words = RetryWords(
      {.name = "p", .max_attempts = 3, .sync = SyncUse{.filesystems = {"/data", "/cache"}}});
  EXPECT_NE(words.find("From failure 1 on, where the area has room and the page in the way may be "
                       "a file system's, it has /data, /cache synced, waits for that at most "
                       "500ms and tries again at once"),
            std::string::npos)
      << words;
}

TEST(RetryWords, TimeThatEndsBeforeTheAttemptsDoIsTheWorstCase) {
  EXPECT_EQ(RetryWords({.name = "p",
                        .max_attempts = 100,
                        .max_elapsed = absl::Seconds(1),
                        .initial_backoff = absl::Milliseconds(50),
                        .max_backoff = absl::Milliseconds(50),
                        .jitter = 0}),
            "Tries up to 100 times, for 1s from the request on; waits 50ms between attempts. At "
            "worst about 21 attempts, the last 1s after the request.");
}

TEST(LongestWaits, GrowUpToTheBound) {
  const RetryPolicy policy{.name = "p",
                           .max_attempts = 5,
                           .initial_backoff = absl::Milliseconds(10),
                           .max_backoff = absl::Milliseconds(35),
                           .jitter = 0,
                           .learn = false};
  // 10, 20, 35, 35
  EXPECT_EQ(LongestWaits(policy), absl::Milliseconds(100));
  RetryPolicy jittery = policy;
  jittery.jitter = 0.5;
  EXPECT_EQ(LongestWaits(jittery), absl::Milliseconds(150));
  RetryPolicy learning = policy;
  learning.learn = true;
  EXPECT_EQ(LongestWaits(learning), absl::Milliseconds(140));
  RetryPolicy endless = policy;
  endless.max_attempts = absl::nullopt;
  EXPECT_EQ(LongestWaits(endless), absl::InfiniteDuration());
}

TEST(MostAttempts, AreThoseThatFitIntoTheTime) {
  RetryPolicy policy{.name = "p",
                     .max_attempts = 1000,
                     .max_elapsed = absl::Milliseconds(100),
                     .initial_backoff = absl::Milliseconds(10),
                     .max_backoff = absl::Milliseconds(35),
                     .jitter = 0,
                     .learn = false};
  // At 0, 10, 30, 65 and 100.
  EXPECT_EQ(MostAttempts(policy), 5);
  policy.max_elapsed = absl::Milliseconds(30);
  EXPECT_EQ(MostAttempts(policy), 3);
  policy.max_elapsed = absl::Milliseconds(31);
  EXPECT_EQ(MostAttempts(policy), 4);
  policy.multiplier = 1;
  policy.max_elapsed = absl::Milliseconds(100);
  EXPECT_EQ(MostAttempts(policy), 11);
}

TEST(MostAttempts, WithoutACountWaitsMayStayAsShortAsTheFirst) {
  EXPECT_EQ(MostAttempts({.name = "p",
                          .max_elapsed = absl::Milliseconds(100),
                          .initial_backoff = absl::Milliseconds(10),
                          .jitter = 0}),
            11);
}

TEST(MostAttempts, AWaitThatMayBeLearnedMayBeTheShortest) {
  EXPECT_EQ(MostAttempts({.name = "p",
                          .max_elapsed = absl::Milliseconds(100),
                          .initial_backoff = absl::Milliseconds(10),
                          .jitter = 0.5,
                          .learn = true}),
            21);
}

TEST(MostAttempts, HaveNoBoundWhereAWaitMayBeNone) {
  EXPECT_EQ(MostAttempts({.name = "p", .max_elapsed = absl::Seconds(1), .jitter = 1}), kUnbounded);
  EXPECT_EQ(MostAttempts({.name = "p"}), kUnbounded);
  EXPECT_EQ(
      MostAttempts({.name = "p", .max_attempts = 7, .max_elapsed = absl::Seconds(1), .jitter = 1}),
      7);
}

TEST(MostAttempts, OfExtremeNumbersIsANumber) {
  const double most = MostAttempts({.name = "p",
                                    .max_elapsed = absl::Hours(24),
                                    .initial_backoff = absl::Nanoseconds(1),
                                    .max_backoff = absl::Minutes(1),
                                    .multiplier = 1.0000001,
                                    .jitter = 0,
                                    .learn = false});
  EXPECT_GT(most, 1e3);
  EXPECT_LT(most, 1e14);
}

}  // namespace
}  // namespace dmaheap

#include "daemon/config/retry_policy_message.h"

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

RetryPolicy From(const std::string& text) {
  config::v1::RetryPolicy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  return ToRetryPolicy(policy);
}

TEST(RetryPolicyMessage, DefaultsAreThoseOfTheSchema) {
  const RetryPolicy policy = From("name: 'own'");
  EXPECT_EQ(policy.name, "own");
  EXPECT_EQ(policy.max_attempts, absl::nullopt);
  EXPECT_EQ(policy.max_elapsed, absl::InfiniteDuration());
  EXPECT_EQ(policy.initial_backoff, absl::Milliseconds(1));
  EXPECT_EQ(policy.max_backoff, absl::Milliseconds(100));
  EXPECT_EQ(policy.multiplier, 2.0);
  EXPECT_EQ(policy.jitter, 0.2);
  EXPECT_FALSE(policy.learn);
  EXPECT_EQ(policy.give_up_when_stuck_for, absl::InfiniteDuration());
  EXPECT_TRUE(policy.fallback_heaps.empty());
}

TEST(RetryPolicyMessage, GivenValuesTakeTheirPlace) {
  EXPECT_EQ(From("name: 'own' max_attempts: 1 max_elapsed { seconds: 9 }"
                 " initial_backoff { nanos: 3000000 } max_backoff { seconds: 1 }"
                 " backoff_multiplier: 1 jitter: 0 learn: false"
                 " give_up_when_stuck_for { seconds: 4 } fallback_heaps: ['a', 'b']"),
            (RetryPolicy{.name = "own",
                         .max_attempts = 1,
                         .max_elapsed = absl::Seconds(9),
                         .initial_backoff = absl::Milliseconds(3),
                         .max_backoff = absl::Seconds(1),
                         .multiplier = 1.0,
                         .jitter = 0.0,
                         .learn = false,
                         .give_up_when_stuck_for = absl::Seconds(4),
                         .fallback_heaps = {"a", "b"}}));
}

TEST(RetryPolicyMessage, ADefaultGivesWayToTheBackoffThatIsGiven) {
  EXPECT_EQ(From("initial_backoff { seconds: 1 }").max_backoff, absl::Seconds(1));
  EXPECT_EQ(From("max_backoff { nanos: 1000 }").initial_backoff, absl::Microseconds(1));
}

}  // namespace
}  // namespace dmaheap

#include "daemon/config/effective_policy.h"

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

EffectivePolicy From(const std::string& text) {
  config::v1::Policy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  return EffectivePolicy(policy);
}

const std::vector<std::string> kReserved = {"reserved", "linux,cma"};
const std::vector<std::string> kSystem = {"system"};

TEST(EffectivePolicy, WhoMatchesNoRuleMayNothing) {
  const EffectivePolicy policy =
      From("access { who { uids: 1000 } rights: [ALLOCATE, HOLD, INSPECT, ADMIN] heaps: '*' }");
  EXPECT_EQ(policy.RightsOf({.uid = 1001, .gid = 1001}, kReserved), Rights{});
  EXPECT_TRUE(policy.RulesOf({.uid = 1001, .gid = 1001}).empty());
}

TEST(EffectivePolicy, RootHasNoRightsOfItsOwn) {
  const EffectivePolicy policy = From("access { who { uids: 1000 } rights: ADMIN }");
  EXPECT_EQ(policy.RightsOf({.uid = 0, .gid = 0}, kReserved), Rights{});
}

TEST(EffectivePolicy, EveryRuleThatMatchesAddsItsRights) {
  const EffectivePolicy policy = From(
      "access { who { uids: 1000 } rights: ALLOCATE heaps: 'reserved' }"
      "access { who { uids: 7 } rights: HOLD heaps: 'reserved' }"
      "access { who { gids: 44 } rights: INSPECT }");
  const Principal camera{.uid = 1000, .gid = 44};
  EXPECT_EQ(policy.RightsOf(camera, kReserved), (Rights{.allocate = true, .inspect = true}));
  EXPECT_EQ(policy.RulesOf(camera), (std::vector<int>{0, 2}));
}

TEST(EffectivePolicy, RightsOnAHeapHoldForEachNameThatItAnswersTo) {
  const EffectivePolicy policy =
      From("access { who { uids: 1000 } rights: ALLOCATE heaps: 'linux,cma' }");
  const Principal caller{.uid = 1000, .gid = 1000};
  EXPECT_TRUE(policy.RightsOf(caller, kReserved).allocate);
  EXPECT_FALSE(policy.RightsOf(caller, kSystem).allocate);
}

TEST(EffectivePolicy, ARightOnOneHeapIsNotMixedUpWithAnotherRuleHeap) {
  const EffectivePolicy policy = From(
      "access { who { uids: 1000 } rights: ALLOCATE heaps: 'reserved' }"
      "access { who { uids: 1000 } rights: HOLD heaps: 'system' }");
  const Principal caller{.uid = 1000, .gid = 1000};
  EXPECT_EQ(policy.RightsOf(caller, kReserved), Rights{.allocate = true});
  EXPECT_EQ(policy.RightsOf(caller, kSystem), Rights{.hold = true});
}

TEST(EffectivePolicy, WithoutAHeapTheQuestionIsAboutTheDaemonAlone) {
  const EffectivePolicy policy =
      From("access { who { uids: 0 } rights: [ALLOCATE, HOLD, INSPECT, ADMIN] heaps: '*' }");
  EXPECT_EQ(policy.RightsOf({.uid = 0, .gid = 0}, {}), (Rights{.inspect = true, .admin = true}));
}

TEST(EffectivePolicy, RangesIncludeBothEnds) {
  const EffectivePolicy policy =
      From("access { who { uid_ranges { first: 10 last: 20 } } rights: ALLOCATE heaps: '*' }");
  for (const uint32_t uid : {10u, 15u, 20u}) {
    EXPECT_TRUE(policy.RightsOf({.uid = uid, .gid = 1}, kSystem).allocate) << uid;
  }
  for (const uint32_t uid : {9u, 21u, 0u, 4294967294u}) {
    EXPECT_FALSE(policy.RightsOf({.uid = uid, .gid = 1}, kSystem).allocate) << uid;
  }
}

TEST(EffectivePolicy, SupplementaryGroupsCountLikeTheGid) {
  const EffectivePolicy policy = From("access { who { gids: 44 } rights: ALLOCATE heaps: '*' }");
  EXPECT_TRUE(policy.RightsOf({.uid = 1, .gid = 44}, kSystem).allocate);
  EXPECT_TRUE(policy.RightsOf({.uid = 1, .gid = 1, .groups = {3, 44}}, kSystem).allocate);
  EXPECT_FALSE(policy.RightsOf({.uid = 44, .gid = 1, .groups = {3}}, kSystem).allocate);
}

TEST(EffectivePolicy, TheOverflowUidGetsRightsByItsNumberAlone) {
  const Principal stranger{.uid = kOverflowUid, .gid = kOverflowUid};
  EXPECT_FALSE(From("access { who { everybody: true } rights: ALLOCATE heaps: '*' }")
                   .RightsOf(stranger, kSystem)
                   .allocate);
  EXPECT_FALSE(
      From("access { who { uid_ranges { last: 4294967294 } } rights: ALLOCATE heaps: '*' }")
          .RightsOf(stranger, kSystem)
          .allocate);
  EXPECT_TRUE(From("access { who { everybody: true uids: 65534 } rights: ALLOCATE heaps: '*' }")
                  .RightsOf(stranger, kSystem)
                  .allocate);
}

TEST(EffectivePolicy, AQuotaForEverybodyHoldsForTheOverflowUidToo) {
  const Principal stranger{.uid = kOverflowUid, .gid = kOverflowUid};
  EXPECT_EQ(From("quotas { who { everybody: true } max_bytes: 4096 }").QuotaOf(stranger).max_bytes,
            4096);
  EXPECT_EQ(From("quotas { who { uid_ranges { first: 1 last: 4294967294 } } max_bytes: 4096 }")
                .QuotaOf(stranger)
                .max_bytes,
            4096);
}

TEST(EffectivePolicy, TheFirstQuotaThatMatchesCounts) {
  const EffectivePolicy policy = From(
      "quotas { who { uids: 1000 } max_buffers: 3 }"
      "quotas { who { everybody: true } max_bytes: 4096 max_buffers: 0 }");
  EXPECT_EQ(policy.QuotaOf({.uid = 1000, .gid = 1}),
            (QuotaLimits{.max_bytes = absl::nullopt, .max_buffers = 3}));
  EXPECT_EQ(policy.QuotaOf({.uid = 1001, .gid = 1}),
            (QuotaLimits{.max_bytes = 4096, .max_buffers = 0}));
}

TEST(EffectivePolicy, WhoMatchesNoQuotaHasNoLimit) {
  EXPECT_EQ(From("quotas { who { uids: 1 } max_bytes: 0 }").QuotaOf({.uid = 2, .gid = 2}),
            QuotaLimits{});
}

TEST(EffectivePolicy, DefaultsAreThoseOfTheSchema) {
  const EffectivePolicy policy = From("");
  EXPECT_EQ(policy.leases().default_lease, absl::Seconds(60));
  EXPECT_EQ(policy.leases().max_lease, absl::Minutes(10));
  EXPECT_EQ(policy.retry().max_attempts, 6);
  EXPECT_EQ(policy.retry().initial_backoff, absl::Milliseconds(1));
  EXPECT_EQ(policy.retry().max_backoff, absl::Milliseconds(100));
  EXPECT_EQ(policy.retry().multiplier, 2.0);
  EXPECT_EQ(policy.retry().jitter, 0.2);
}

TEST(EffectivePolicy, GivenValuesTakeTheirPlace) {
  const EffectivePolicy policy = From(
      "hold { default_lease { seconds: 5 } max_lease { seconds: 7 nanos: 500000000 } }"
      "retry { max_attempts: 1 initial_backoff { nanos: 3000000 } max_backoff { seconds: 1 }"
      "        backoff_multiplier: 1 jitter: 0 }");
  EXPECT_EQ(policy.leases().default_lease, absl::Seconds(5));
  EXPECT_EQ(policy.leases().max_lease, absl::Milliseconds(7500));
  EXPECT_EQ(policy.retry().max_attempts, 1);
  EXPECT_EQ(policy.retry().initial_backoff, absl::Milliseconds(3));
  EXPECT_EQ(policy.retry().max_backoff, absl::Seconds(1));
  EXPECT_EQ(policy.retry().multiplier, 1.0);
  EXPECT_EQ(policy.retry().jitter, 0.0);
}

TEST(EffectivePolicy, ADefaultGivesWayToTheBoundThatIsGiven) {
  EXPECT_EQ(From("hold { max_lease { seconds: 30 } }").leases().default_lease, absl::Seconds(30));
  EXPECT_EQ(From("retry { initial_backoff { seconds: 1 } }").retry().max_backoff, absl::Seconds(1));
  EXPECT_EQ(From("retry { max_backoff { nanos: 1000 } }").retry().initial_backoff,
            absl::Microseconds(1));
}

TEST(EffectivePolicy, CarriesHeapsAndAliases) {
  const EffectivePolicy policy = From(
      "simulated_heaps { name: 'sim' size_bytes: 8192 seed: 3 }"
      "heap_aliases { alias: 'camera' heap: 'sim' }");
  ASSERT_EQ(policy.simulated_heaps().size(), 1u);
  EXPECT_EQ(policy.simulated_heaps()[0].name, "sim");
  EXPECT_EQ(policy.simulated_heaps()[0].size_bytes, 8192);
  EXPECT_EQ(policy.simulated_heaps()[0].seed, 3u);
  ASSERT_EQ(policy.heap_aliases().size(), 1u);
  EXPECT_EQ(policy.heap_aliases()[0].alias, "camera");
  EXPECT_EQ(policy.heap_aliases()[0].heap, "sim");
}

}  // namespace
}  // namespace dmaheap

#include "daemon/config/effective_policy.h"

#include <memory>

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

TEST(EffectivePolicy, LeasesHaveTheDefaultsOfTheSchema) {
  const EffectivePolicy policy = From("");
  EXPECT_EQ(policy.leases().default_lease, absl::Seconds(60));
  EXPECT_EQ(policy.leases().max_lease, absl::Minutes(10));
}

TEST(EffectivePolicy, GivenLeasesTakeTheirPlace) {
  const EffectivePolicy policy =
      From("hold { default_lease { seconds: 5 } max_lease { seconds: 7 nanos: 500000000 } }");
  EXPECT_EQ(policy.leases().default_lease, absl::Seconds(5));
  EXPECT_EQ(policy.leases().max_lease, absl::Milliseconds(7500));
  EXPECT_EQ(From("hold { max_lease { seconds: 30 } }").leases().default_lease, absl::Seconds(30));
}

TEST(EffectivePolicy, TheShippedRetryPoliciesAreThereWithoutAFile) {
  const EffectivePolicy policy = From("");
  EXPECT_EQ(policy.retry_policies(), ShippedRetryPolicies());
  EXPECT_EQ(policy.retry_policy_names(),
            (std::vector<std::string>{"failfast", "default", "nofail", "kernel-5x100ms"}));
  ASSERT_NE(policy.FindRetryPolicy("nofail"), nullptr);
  EXPECT_EQ(policy.FindRetryPolicy("nofail")->name, "nofail");
  EXPECT_EQ(policy.FindRetryPolicy("never"), nullptr);
}

TEST(EffectivePolicy, ARetryPolicyOfAShippedNameTakesItsPlaceAsAWhole) {
  const EffectivePolicy policy = From(
      "retry_policies { name: 'own' }"
      "retry_policies { name: 'default' max_attempts: 7 }");
  EXPECT_EQ(policy.retry_policy_names(),
            (std::vector<std::string>{"failfast", "default", "nofail", "kernel-5x100ms", "own"}));
  EXPECT_EQ(*policy.FindRetryPolicy("default"),
            (RetryPolicy{.name = "default", .max_attempts = 7}));
}

TEST(EffectivePolicy, ARequestGoesByDefaultUnlessSomethingElseIsSaid) {
  EXPECT_EQ(From("").DefaultRetryPolicyOf("reserved", kReserved).name, "default");
  EXPECT_EQ(From("heap_policies { heap: 'system' retry_policy: 'failfast' }")
                .DefaultRetryPolicyOf("reserved", kReserved)
                .name,
            "default");
}

TEST(EffectivePolicy, AHeapsRetryPolicyHoldsByWhateverNameItIsAskedFor) {
  const EffectivePolicy policy =
      From("heap_policies { heap: 'linux,cma' retry_policy: 'failfast' }");
  EXPECT_EQ(policy.DefaultRetryPolicyOf("reserved", kReserved).name, "failfast");
  EXPECT_EQ(policy.DefaultRetryPolicyOf("linux,cma", kReserved).name, "failfast");
}

TEST(EffectivePolicy, OfTwoHeapPoliciesOfOneHeapTheFirstCounts) {
  EXPECT_EQ(From("heap_policies { heap: 'linux,cma' retry_policy: 'failfast' }"
                 "heap_policies { heap: 'reserved' retry_policy: 'nofail' }")
                .DefaultRetryPolicyOf("reserved", kReserved)
                .name,
            "failfast");
}

TEST(EffectivePolicy, AVirtualHeapBringsItsRetryPolicyToWhoAsksByItsName) {
  const EffectivePolicy policy =
      From("heap_policies { heap: 'reserved' retry_policy: 'failfast' }");
  const std::vector<std::string> names = {"reserved", "linux,cma", "linux,cma-nofail"};
  EXPECT_EQ(policy.DefaultRetryPolicyOf("linux,cma-nofail", names).name, "nofail");
  EXPECT_EQ(policy.DefaultRetryPolicyOf("linux,cma", names).name, "failfast");
}

TEST(EffectivePolicy, TheShippedVirtualHeapIsThereUnlessTheFileReplacesIt) {
  EXPECT_EQ(From("").virtual_heaps(),
            (std::vector<VirtualHeapConfig>{{"linux,cma-nofail", "", "nofail"}}));
  EXPECT_EQ(
      From("virtual_heaps { name: 'a' heap: 'b' retry_policy: 'failfast' }").virtual_heaps(),
      (std::vector<VirtualHeapConfig>{{"linux,cma-nofail", "", "nofail"}, {"a", "b", "failfast"}}));
  EXPECT_EQ(From("virtual_heaps { name: 'linux,cma-nofail' heap: 'b' retry_policy: 'default' }")
                .virtual_heaps(),
            (std::vector<VirtualHeapConfig>{{"linux,cma-nofail", "b", "default"}}));
}

TEST(EffectivePolicy, ACopyAnswersForItself) {
  auto original = std::make_unique<EffectivePolicy>(From("retry_policies { name: 'own' }"));
  const EffectivePolicy copy = *original;
  original.reset();
  ASSERT_NE(copy.FindRetryPolicy("own"), nullptr);
  EXPECT_EQ(copy.FindRetryPolicy("own")->name, "own");
}

TEST(Ceiling, OfWhoMayHaveNoMemoryThereIsTheLowest) {
  const EffectivePolicy policy = From(
      "access { who { uids: 1 } rights: [INSPECT, ADMIN] }"
      "access { who { uids: 1 } rights: ALLOCATE heaps: 'system' retry_policies: '*' }");
  const Ceiling ceiling = policy.CeilingOf({.uid = 1, .gid = 1}, kReserved);
  EXPECT_FALSE(ceiling.Allows("failfast"));
  EXPECT_EQ(ceiling.max_priority, Priority::kLow);
}

TEST(Ceiling, IsFailfastDefaultAndNormalWhereARuleSaysNothing) {
  for (const char* right : {"ALLOCATE", "HOLD", "RESERVE"}) {
    const Ceiling ceiling =
        From(std::string("access { who { uids: 1 } heaps: '*' rights: ") + right + " }")
            .CeilingOf({.uid = 1, .gid = 1}, kReserved);
    EXPECT_TRUE(ceiling.Allows("failfast") && ceiling.Allows("default")) << right;
    EXPECT_FALSE(ceiling.Allows("nofail")) << right;
    EXPECT_EQ(ceiling.max_priority, Priority::kNormal) << right;
  }
}

TEST(Ceiling, GivenPoliciesTakeThePlaceOfTheDefaults) {
  const Ceiling ceiling =
      From(
          "access { who { uids: 1 } rights: ALLOCATE heaps: '*' retry_policies: 'nofail' "
          "max_priority: LOW }")
          .CeilingOf({.uid = 1, .gid = 1}, kReserved);
  EXPECT_TRUE(ceiling.Allows("nofail"));
  EXPECT_FALSE(ceiling.Allows("default"));
  EXPECT_FALSE(ceiling.Allows("*"));
  EXPECT_EQ(ceiling.max_priority, Priority::kLow);
}

TEST(Ceiling, AStarIsEveryPolicy) {
  const Ceiling ceiling =
      From("access { who { uids: 1 } rights: ALLOCATE heaps: '*' retry_policies: '*' }")
          .CeilingOf({.uid = 1, .gid = 1}, kReserved);
  EXPECT_TRUE(ceiling.Allows("kernel-5x100ms"));
}

TEST(Ceiling, RulesThatMatchAddUpAndOthersDoNot) {
  const EffectivePolicy policy = From(
      "access { who { uids: 1 } rights: ALLOCATE heaps: 'reserved' }"
      "access { who { gids: 2 } rights: HOLD heaps: 'linux,cma' retry_policies: 'nofail' "
      "max_priority: HIGH }"
      "access { who { uids: 1 } rights: HOLD heaps: 'system' retry_policies: 'own' }"
      "access { who { uids: 9 } rights: HOLD heaps: '*' retry_policies: '*' }");
  const Ceiling ceiling = policy.CeilingOf({.uid = 1, .gid = 2}, kReserved);
  EXPECT_TRUE(ceiling.Allows("default") && ceiling.Allows("nofail"));
  EXPECT_FALSE(ceiling.Allows("own"));
  EXPECT_EQ(ceiling.max_priority, Priority::kHigh);
  EXPECT_EQ(policy.CeilingOf({.uid = 1, .gid = 1}, kReserved).max_priority, Priority::kNormal);
}

TEST(Ceiling, WithoutAHeapIsTheLowest) {
  const Ceiling ceiling =
      From("access { who { uids: 1 } rights: ALLOCATE heaps: '*' retry_policies: '*' }")
          .CeilingOf({.uid = 1, .gid = 1}, {});
  EXPECT_FALSE(ceiling.Allows("default"));
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

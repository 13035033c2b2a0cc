#include "daemon/config/builtin_policy.h"

#include "daemon/config/effective_policy.h"
#include "daemon/config/policy_validation.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr int64_t kPage = 4096;
const std::vector<std::string> kAnyHeap = {"whatever"};

TEST(BuiltinPolicy, PassesTheValidationThatFilesHaveToPass) {
  for (const uint32_t operator_uid : {0u, 1000u, kOverflowUid}) {
    EXPECT_TRUE(ValidatePolicy(BuiltinPolicyMessage(operator_uid), kPage).empty()) << operator_uid;
  }
}

TEST(BuiltinPolicy, EverybodyMayAllocateHoldAndReserveOnEveryHeap) {
  const EffectivePolicy policy(BuiltinPolicyMessage(1000));
  EXPECT_EQ(policy.RightsOf({.uid = 4711, .gid = 4711}, kAnyHeap),
            (Rights{.allocate = true, .hold = true, .reserve = true}));
}

TEST(BuiltinPolicy, EverybodyMayChooseEveryRetryPolicyAndNormalPriority) {
  const EffectivePolicy policy(BuiltinPolicyMessage(1000));
  const Ceiling ceiling = policy.CeilingOf({.uid = 4711, .gid = 4711}, kAnyHeap);
  for (const std::string& name : policy.retry_policy_names()) {
    EXPECT_TRUE(ceiling.Allows(name)) << name;
  }
  EXPECT_EQ(ceiling.max_priority, Priority::kNormal);
}

TEST(BuiltinPolicy, RootAndTheOperatorMayGoFirst) {
  const EffectivePolicy policy(BuiltinPolicyMessage(1000));
  for (const uint32_t uid : {0u, 1000u}) {
    EXPECT_EQ(policy.CeilingOf({.uid = uid, .gid = 4711}, kAnyHeap).max_priority, Priority::kHigh)
        << uid;
  }
}

TEST(BuiltinPolicy, RootAndTheOperatorMayInspectAndChange) {
  const EffectivePolicy policy(BuiltinPolicyMessage(1000));
  for (const uint32_t uid : {0u, 1000u}) {
    const Rights rights = policy.RightsOf({.uid = uid, .gid = 4711}, {});
    EXPECT_TRUE(rights.inspect && rights.admin) << uid;
  }
}

TEST(BuiltinPolicy, TheQuotaHoldsForEachUidRootIncluded) {
  const EffectivePolicy policy(BuiltinPolicyMessage(1000));
  for (const uint32_t uid : {0u, 1000u, 4711u, kOverflowUid}) {
    EXPECT_EQ(policy.QuotaOf({.uid = uid, .gid = uid}),
              (QuotaLimits{.max_bytes = int64_t{512} << 20, .max_buffers = 1024}))
        << uid;
  }
}

TEST(BuiltinPolicy, TheOverflowUidMayNothing) {
  const EffectivePolicy policy(BuiltinPolicyMessage(0));
  EXPECT_EQ(policy.RightsOf({.uid = kOverflowUid, .gid = 0}, kAnyHeap), Rights{});
}

}  // namespace
}  // namespace dmaheap

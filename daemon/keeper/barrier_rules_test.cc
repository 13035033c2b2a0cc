#include "daemon/keeper/barrier_rules.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// One that may be frozen.
FreezeFacts Good() {
  FreezeFacts facts;
  facts.cgroup = 1;
  facts.box = absl::Milliseconds(50);
  facts.cgroups = 2;
  facts.has_prober = true;
  facts.finding = GuardFinding::kClear;
  return facts;
}

struct Case {
  const char* name;
  void (*change)(FreezeFacts&);
  BarrierReason reason;
};

class BarrierRulesTest : public ::testing::TestWithParam<Case> {};

TEST_P(BarrierRulesTest, HaveAReasonForEachRefusal) {
  FreezeFacts facts = Good();
  GetParam().change(facts);
  EXPECT_EQ(WhyNotFreeze(facts), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    All, BarrierRulesTest,
    ::testing::Values(
        Case{"Clear", [](FreezeFacts&) {}, BarrierReason::kNone},
        Case{"NotAskedYet", [](FreezeFacts& f) { f.finding.reset(); }, BarrierReason::kNone},
        Case{"Stopping", [](FreezeFacts& f) { f.stopping = true; }, BarrierReason::kStopping},
        Case{"BehindTheLast", [](FreezeFacts& f) { f.cgroup = 2; }, BarrierReason::kNoSuchCgroup},
        Case{"FarBehindTheLast", [](FreezeFacts& f) { f.cgroup = 0xffffffff; },
             BarrierReason::kNoSuchCgroup},
        Case{"NoBox", [](FreezeFacts& f) { f.box = absl::ZeroDuration(); }, BarrierReason::kBadBox},
        Case{"TooLongABox", [](FreezeFacts& f) { f.box += absl::Nanoseconds(1); },
             BarrierReason::kBadBox},
        Case{"ShortestBox", [](FreezeFacts& f) { f.box = absl::Milliseconds(1); },
             BarrierReason::kNone},
        Case{"AnotherStands", [](FreezeFacts& f) { f.other_barrier = true; },
             BarrierReason::kOtherBarrier},
        Case{"AThawIsNotConfirmed", [](FreezeFacts& f) { f.thaw_pending = true; },
             BarrierReason::kThawPending},
        Case{"NobodyToLook", [](FreezeFacts& f) { f.has_prober = false; },
             BarrierReason::kNoProber},
        Case{"FrozenBySomebodyElse", [](FreezeFacts& f) { f.already_frozen = true; },
             BarrierReason::kAlreadyFrozen},
        Case{"OverBudget", [](FreezeFacts& f) { f.budget_wait = absl::Nanoseconds(1); },
             BarrierReason::kOverBudget},
        Case{"HoldsUs",
             [](FreezeFacts& f) {
               f.finding = GuardFinding::kListed;
               f.found_ours = true;
             },
             BarrierReason::kHoldsUs},
        Case{"HoldsAClient", [](FreezeFacts& f) { f.finding = GuardFinding::kListed; },
             BarrierReason::kHoldsClient},
        Case{"HoldsALogger", [](FreezeFacts& f) { f.finding = GuardFinding::kVital; },
             BarrierReason::kHoldsVital},
        Case{"NobodyKnows", [](FreezeFacts& f) { f.finding = GuardFinding::kUnknown; },
             BarrierReason::kMembersUnknown},
        Case{"AFindingThatIsNone",
             [](FreezeFacts& f) { f.finding = static_cast<GuardFinding>(77); },
             BarrierReason::kMembersUnknown}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace dmaheap

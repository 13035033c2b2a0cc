#include "daemon/keeper/barrier_rules.h"

#include "daemon/limits.h"

namespace dmaheap {

BarrierReason WhyNotFreeze(const FreezeFacts& facts) {
  if (facts.stopping) return BarrierReason::kStopping;
  if (facts.cgroup >= facts.cgroups) return BarrierReason::kNoSuchCgroup;
  if (facts.box < kMinBarrierBox || facts.box > kMaxBarrierBox) return BarrierReason::kBadBox;
  if (facts.thaw_pending) return BarrierReason::kThawPending;
  if (facts.other_barrier) return BarrierReason::kOtherBarrier;
  if (!facts.has_prober) return BarrierReason::kNoProber;
  // Freezing it again would thaw what is not ours to thaw.
  if (facts.already_frozen) return BarrierReason::kAlreadyFrozen;
  if (facts.budget_wait > absl::ZeroDuration()) return BarrierReason::kOverBudget;
  if (!facts.finding.has_value()) return BarrierReason::kNone;
  switch (*facts.finding) {
    case GuardFinding::kClear:
      return BarrierReason::kNone;
    case GuardFinding::kListed:
      return facts.found_ours ? BarrierReason::kHoldsUs : BarrierReason::kHoldsClient;
    case GuardFinding::kVital:
      return BarrierReason::kHoldsVital;
    case GuardFinding::kUnknown:
      break;
  }
  return BarrierReason::kMembersUnknown;
}

}  // namespace dmaheap

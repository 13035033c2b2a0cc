// Whether a cgroup may be frozen now: a pure function of what the keeper knows.

#ifndef DAEMON_KEEPER_BARRIER_RULES_H_
#define DAEMON_KEEPER_BARRIER_RULES_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/handover/barrier_wire.h"

namespace dmaheap {

struct FreezeFacts {
  // What is asked for.
  uint32_t cgroup = 0;
  absl::Duration box;
  // How many cgroups were named at the start.
  size_t cgroups = 0;
  bool stopping = false;
  // Another barrier is asked for or stands; or ended, and its thaw is not confirmed.
  bool other_barrier = false;
  bool thaw_pending = false;
  bool has_prober = false;
  // It stands still, or is told to, by somebody else.
  bool already_frozen = false;
  // FreezeBudget::Wait.
  absl::Duration budget_wait;
  // Who is in it; absent: not asked yet.
  absl::optional<GuardFinding> finding;
  // A process that was found is one of the daemon's.
  bool found_ours = false;
};

// kNone if nothing speaks against it.
BarrierReason WhyNotFreeze(const FreezeFacts& facts);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_BARRIER_RULES_H_

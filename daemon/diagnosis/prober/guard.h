// Looks whether a cgroup may stand still: the keeper's question before it freezes one.

#ifndef DAEMON_DIAGNOSIS_PROBER_GUARD_H_
#define DAEMON_DIAGNOSIS_PROBER_GUARD_H_

#include <string>

#include "absl/types/span.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "daemon/handover/barrier_wire.h"

namespace dmaheap {

// cgroups: the paths of the command line. What can not be told is kUnknown, and so is a look that
// took longer than the box (ETIMEDOUT).
GuardReply CheckCgroup(const GuardRequest& request, absl::Span<const std::string> cgroups,
                       const ProberRoots& roots, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_GUARD_H_

// Who is in a cgroup, at any depth.

#ifndef DAEMON_DIAGNOSIS_PROBER_CGROUP_MEMBERS_H_
#define DAEMON_DIAGNOSIS_PROBER_CGROUP_MEMBERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// The text of cgroup.procs: one number a line. 0 is a process of a pid namespace above ours, whose
// number the kernel does not tell. Absent if it is anything else.
absl::optional<std::vector<int32_t>> ParseCgroupProcs(absl::string_view text);

struct CgroupMembers {
  // Each once, unless it moved meanwhile.
  std::vector<int32_t> pids;
  // The box did not end before.
  bool complete = false;
};

// The processes of the cgroup at path and all below it. Errors carry the errno: ENOENT where there
// is none, EOPNOTSUPP for a threaded one, which is part of its process's cgroup only.
absl::StatusOr<CgroupMembers> ReadCgroupMembers(const std::string& path, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_CGROUP_MEMBERS_H_

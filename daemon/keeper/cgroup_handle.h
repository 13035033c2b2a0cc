// One cgroup's freezer, opened before it is needed: a thaw opens nothing, so it can not fail for
// want of a fd, a right or a path.
//
// cgroup.freeze says what is asked for ("0" or "1"), cgroup.events has a line "frozen 1" once all
// below stand still (kernel: Documentation/admin-guide/cgroup-v2.rst). No more is read of either.

#ifndef DAEMON_KEEPER_CGROUP_HANDLE_H_
#define DAEMON_KEEPER_CGROUP_HANDLE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class CgroupHandle {
 public:
  // Errors carry the errno: ENOENT where there is no such cgroup, or it is the root, which can not
  // be frozen.
  static absl::StatusOr<CgroupHandle> Open(const std::string& path);

  struct State {
    // By whomever.
    bool asked = false;
    // All below it stand still, perhaps because a cgroup above it is frozen.
    bool frozen = false;
  };
  // ENODEV: the cgroup was removed.
  absl::StatusOr<State> Read() const;

  // Asks the kernel to freeze, or to thaw. ENODEV: the cgroup was removed.
  absl::Status Write(bool freeze) const;

  // Tells this cgroup from a later one of the same path.
  uint64_t inode() const { return inode_; }
  // Has POLLPRI after a change of the state. The kernel tells of at most one in 10 ms
  // (CGROUP_FILE_NOTIFY_MIN_INTV), so who waits should look too. Borrowed.
  int events_fd() const { return events_.get(); }

 private:
  CgroupHandle(UniqueFd freeze, UniqueFd events, uint64_t inode)
      : freeze_(std::move(freeze)), events_(std::move(events)), inode_(inode) {}

  UniqueFd freeze_;
  UniqueFd events_;
  uint64_t inode_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_CGROUP_HANDLE_H_

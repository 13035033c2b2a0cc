// The remedy for pages that are pinned for an instant: a cgroup stands still for milliseconds, so
// that nobody in it forks or exits while the kernel moves pages.
//
// A weapon, so what may be frozen, for how long and how often is not decided here: the keeper keeps
// the list of cgroups, the box, the budget and the thaw, whatever its callers do.

#ifndef DAEMON_CORE_BARRIER_H_
#define DAEMON_CORE_BARRIER_H_

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace dmaheap {

// Inside tasks only, but for Run.
class Barrier {
 public:
  using OnFrozen = absl::AnyInvocable<void(absl::Status)>;
  using OnThawed = absl::AnyInvocable<void(absl::Duration frozen_for)>;

  virtual ~Barrier() = default;

  // Cgroups are named 0 to cgroups() - 1, in the order of the command line. 0: there is no barrier.
  virtual int cgroups() const = 0;

  // Calls on_frozen once, as a task, within a second: OK when the whole cgroup stands still, which
  // ends box after its freezing began, or with Thaw(). Then on_thawed is called once, with the time
  // from the first freezing to the confirmed thaw. Without OK nothing is frozen by us:
  //   FAILED_PRECONDITION  there is no barrier here, or the cgroup holds a process that must run
  //                        (ours, init, the service manager, a logger, a client with a session)
  //   RESOURCE_EXHAUSTED   over the cgroup's budget (5 % of any second)
  //   UNAVAILABLE          another barrier stands, a thaw is not confirmed, the prober is silent
  //   ALREADY_EXISTS       it is frozen already, by somebody else, and may be thawed at any time
  //   DEADLINE_EXCEEDED    it did not stand still within the box
  //   CANCELLED            Thaw() came first, or the daemon stops
  //   INVALID_ARGUMENT     no such cgroup or box
  // Others carry the errno of the cgroup's files.
  virtual void Freeze(int cgroup, absl::Duration box, OnFrozen on_frozen, OnThawed on_thawed) = 0;

  // Ends the box of the last Freeze. Nothing happens if it has ended.
  virtual void Thaw() = 0;

  // Makes the attempt for which the cgroup stands still, out of the way of who ends the box. On the
  // thread of the attempt, not in a task.
  virtual void Run(absl::FunctionRef<void()> attempt) = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_BARRIER_H_

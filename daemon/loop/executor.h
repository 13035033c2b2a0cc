// Where the broker's state lives: tasks of one executor run one after the other, never two at once.
//
// Code that only ever runs inside tasks needs no locks. A task may run on any thread that posts, so
// no task may block.

#ifndef DAEMON_LOOP_EXECUTOR_H_
#define DAEMON_LOOP_EXECUTOR_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace dmaheap {

using Task = absl::AnyInvocable<void()>;
// 0 is never a timer.
using TimerId = uint64_t;

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs task after all that were posted before it, perhaps before Post returns, but never inside
  // another task. From any thread.
  virtual void Post(Task task) = 0;

  // Runs task once, delay from now. From any thread.
  virtual TimerId After(absl::Duration delay, Task task) = 0;

  // Inside a task: the timer will not run any more. Nothing happens if it has run.
  virtual void Cancel(TimerId timer) = 0;

  // A clock that never jumps; only differences mean something. From any thread.
  virtual absl::Time Now() const = 0;

  // The time of day, for reading. From any thread.
  virtual absl::Time WallTime() const = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_LOOP_EXECUTOR_H_

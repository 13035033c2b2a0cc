// The executor of tests: time stands still until a test moves it.
//
// Post runs the task at once (or after the one that is running); Advance runs the timers that
// become due, in order. One thread.

#ifndef DAEMON_LOOP_VIRTUAL_EXECUTOR_H_
#define DAEMON_LOOP_VIRTUAL_EXECUTOR_H_

#include <algorithm>
#include <deque>
#include <utility>

#include "daemon/loop/executor.h"
#include "daemon/loop/timer_queue.h"

namespace dmaheap {

class VirtualExecutor : public Executor {
 public:
  void Post(Task task) override {
    tasks_.push_back(std::move(task));
    if (running_) return;
    running_ = true;
    while (!tasks_.empty()) {
      Task next = std::move(tasks_.front());
      tasks_.pop_front();
      next();
    }
    running_ = false;
  }

  TimerId After(absl::Duration delay, Task task) override {
    return timers_.Add(now_ + delay, std::move(task));
  }

  void Cancel(TimerId timer) override { timers_.Take(timer); }

  absl::Time Now() const override { return now_; }
  absl::Time WallTime() const override { return now_; }

  // Moves the clock, running each timer at its own time.
  void Advance(absl::Duration by) {
    const absl::Time until = now_ + by;
    while (true) {
      const absl::Time next = timers_.NextAfter(absl::InfinitePast());
      if (next > until) break;
      // A delay may be negative; time never is.
      now_ = std::max(now_, next);
      Post(timers_.Take(timers_.DueBy(next).front()));
    }
    now_ = until;
  }

  size_t timers() const { return timers_.size(); }

 private:
  std::deque<Task> tasks_;
  bool running_ = false;
  TimerQueue timers_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

}  // namespace dmaheap

#endif  // DAEMON_LOOP_VIRTUAL_EXECUTOR_H_

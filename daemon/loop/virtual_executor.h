// The executor of tests: time stands still until a test moves it.
//
// Post runs the task at once (or after the one that is running); Advance runs the timers that
// become due, in order. One thread.

#ifndef DAEMON_LOOP_VIRTUAL_EXECUTOR_H_
#define DAEMON_LOOP_VIRTUAL_EXECUTOR_H_

#include <deque>
#include <map>
#include <utility>

#include "daemon/loop/executor.h"

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
    const TimerId id = next_timer_++;
    timers_.emplace(std::make_pair(now_ + delay, id), std::move(task));
    return id;
  }

  void Cancel(TimerId timer) override {
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second != timer) continue;
      timers_.erase(it);
      return;
    }
  }

  absl::Time Now() const override { return now_; }
  absl::Time WallTime() const override { return now_; }

  // Moves the clock, running each timer at its own time.
  void Advance(absl::Duration by) {
    const absl::Time until = now_ + by;
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      auto node = timers_.extract(timers_.begin());
      now_ = node.key().first;
      Post(std::move(node.mapped()));
    }
    now_ = until;
  }

  size_t timers() const { return timers_.size(); }

 private:
  std::deque<Task> tasks_;
  bool running_ = false;
  TimerId next_timer_ = 1;
  std::map<std::pair<absl::Time, TimerId>, Task> timers_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

}  // namespace dmaheap

#endif  // DAEMON_LOOP_VIRTUAL_EXECUTOR_H_

// Tasks by the time when they are due: what every kind of timer is made of. No clock, no lock.

#ifndef DAEMON_LOOP_TIMER_QUEUE_H_
#define DAEMON_LOOP_TIMER_QUEUE_H_

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class TimerQueue {
 public:
  TimerId Add(absl::Time due, Task task) {
    const TimerId id = next_++;
    tasks_.emplace(std::make_pair(due, id), std::move(task));
    due_.emplace(id, due);
    return id;
  }

  // The task, which is out of the queue then; empty if it was taken before.
  Task Take(TimerId timer) {
    const auto it = due_.find(timer);
    if (it == due_.end()) return nullptr;
    const auto entry = tasks_.find({it->second, timer});
    Task task = std::move(entry->second);
    tasks_.erase(entry);
    due_.erase(it);
    return task;
  }

  // Those due by now, in the order of their times; equal ones in the order of their making.
  std::vector<TimerId> DueBy(absl::Time now) const {
    std::vector<TimerId> due;
    for (const auto& [key, task] : tasks_) {
      if (key.first > now) break;
      due.push_back(key.second);
    }
    return due;
  }

  // The earliest after then; InfiniteFuture if there is none.
  absl::Time NextAfter(absl::Time then) const {
    for (const auto& [key, task] : tasks_) {
      if (key.first > then) return key.first;
    }
    return absl::InfiniteFuture();
  }

  size_t size() const { return tasks_.size(); }

 private:
  TimerId next_ = 1;
  std::map<std::pair<absl::Time, TimerId>, Task> tasks_;
  absl::flat_hash_map<TimerId, absl::Time> due_;
};

}  // namespace dmaheap

#endif  // DAEMON_LOOP_TIMER_QUEUE_H_

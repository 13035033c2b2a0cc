// Workers whose tasks run when the test says so. One thread.

#ifndef DAEMON_CORE_TESTING_MANUAL_WORKER_H_
#define DAEMON_CORE_TESTING_MANUAL_WORKER_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "daemon/core/lane.h"
#include "daemon/core/worker.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class ManualWorkers {
 public:
  // executor has the time.
  explicit ManualWorkers(Executor& executor) : executor_(executor) {}

  // Makes workers of this pool, which outlives them.
  WorkerFactory Factory() {
    return [this](int, const std::string& name) {
      return std::make_unique<ManualWorker>(*this, name);
    };
  }

  // Tasks run as they come (the default), or wait for RunOne.
  void Hold(const std::string& name) { held_[name]; }
  void LetGo(const std::string& name) {
    while (RunOne(name)) {
    }
    held_.erase(name);
  }
  // Runs the oldest task that waits for this worker; false if there is none.
  bool RunOne(const std::string& name) {
    const auto it = held_.find(name);
    if (it == held_.end() || it->second.empty()) return false;
    Task task = std::move(it->second.front());
    it->second.pop_front();
    task();
    return true;
  }
  size_t Waiting(const std::string& name) const {
    const auto it = held_.find(name);
    return it == held_.end() ? 0 : it->second.size();
  }

 private:
  class ManualWorker : public Worker {
   public:
    ManualWorker(ManualWorkers& pool, std::string name) : pool_(pool), name_(std::move(name)) {}
    // As a worker of threads does: finishes what was handed over.
    ~ManualWorker() override {
      while (pool_.RunOne(name_)) {
      }
    }
    void Run(Task task) override {
      const auto it = pool_.held_.find(name_);
      if (it == pool_.held_.end()) {
        task();
      } else {
        it->second.push_back(std::move(task));
      }
    }

    TimerId RunLater(absl::Duration delay, Task task) override {
      return pool_.executor_.After(
          delay, [this, task = std::move(task)]() mutable { Run(std::move(task)); });
    }
    void Cancel(TimerId timer) override { pool_.executor_.Cancel(timer); }

   private:
    ManualWorkers& pool_;
    const std::string name_;
  };

  Executor& executor_;
  std::map<std::string, std::deque<Task>> held_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_MANUAL_WORKER_H_

// Threads on which blocking calls run, so that neither the executor nor a gRPC thread does.

#ifndef DAEMON_CORE_WORKER_H_
#define DAEMON_CORE_WORKER_H_

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "daemon/loop/executor.h"
#include "daemon/loop/timer_queue.h"

namespace dmaheap {

class Worker {
 public:
  virtual ~Worker() = default;

  // Runs task soon, outside the executor. From any thread.
  virtual void Run(Task task) = 0;

  // The same, delay from now: for a task that hands over another, as a retry does, it saves the
  // wake-up of a thread of the executor. From any thread.
  virtual TimerId RunLater(absl::Duration delay, Task task) = 0;

  // The task of RunLater is dropped, unless it has begun. From any thread.
  virtual void Cancel(TimerId timer) = 0;
};

// A fixed number of threads, first come, first served.
class ThreadWorker : public Worker {
 public:
  // name, at most 15 bytes, is what ps and top show of the threads (pthread_setname_np(3)).
  ThreadWorker(int threads, const std::string& name);
  // Finishes what was handed over, drops what was to come later, then joins.
  ~ThreadWorker() override;

  void Run(Task task) override;
  TimerId RunLater(absl::Duration delay, Task task) override;
  void Cancel(TimerId timer) override;

 private:
  void Work();
  // Waits for a task; empty at the end.
  Task Next();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  // By the steady clock.
  TimerQueue later_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_WORKER_H_

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

#include "daemon/loop/executor.h"

namespace dmaheap {

class Worker {
 public:
  virtual ~Worker() = default;

  // Runs task soon, outside the executor. From any thread.
  virtual void Run(Task task) = 0;
};

// A fixed number of threads, first come, first served.
class ThreadWorker : public Worker {
 public:
  // name, at most 15 bytes, is what ps and top show of the threads (pthread_setname_np(3)).
  ThreadWorker(int threads, const std::string& name);
  // Finishes what was handed over, then joins.
  ~ThreadWorker() override;

  void Run(Task task) override;

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_WORKER_H_

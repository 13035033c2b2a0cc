#include "daemon/core/worker.h"

#include <pthread.h>

#include <chrono>
#include <utility>

namespace dmaheap {
namespace {

using Steady = std::chrono::steady_clock;

absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(Steady::now().time_since_epoch());
}

Steady::time_point ToSteady(absl::Time time) {
  return Steady::time_point(absl::ToChronoNanoseconds(time - absl::UnixEpoch()));
}

}  // namespace

ThreadWorker::ThreadWorker(int threads, const std::string& name) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Work(); });
    pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
  }
}

ThreadWorker::~ThreadWorker() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadWorker::Run(Task task) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

TimerId ThreadWorker::RunLater(absl::Duration delay, Task task) {
  TimerId timer;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    timer = later_.Add(SteadyNow() + delay, std::move(task));
  }
  // Whoever waits may wait for a later one.
  wake_.notify_one();
  return timer;
}

void ThreadWorker::Cancel(TimerId timer) {
  Task dropped;  // destroyed after the lock: what it owns may come back to us
  std::lock_guard<std::mutex> lock(mutex_);
  dropped = later_.Take(timer);
}

Task ThreadWorker::Next() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    if (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      return task;
    }
    if (stopping_) return nullptr;
    const absl::Time next = later_.NextAfter(absl::InfinitePast());
    if (next == absl::InfiniteFuture()) {
      wake_.wait(lock);
    } else if (next <= SteadyNow()) {
      return later_.Take(later_.DueBy(next).front());
    } else {
      wake_.wait_until(lock, ToSteady(next));
    }
  }
}

void ThreadWorker::Work() {
  while (Task task = Next()) task();
}

}  // namespace dmaheap

// The executor of the running broker, with timers and file descriptors.
//
// A posted task runs at once on the posting thread if no other is running, else on the thread that
// is busy with one: there is no thread to wake for a request that can be served at once. One thread
// calls Run(); it waits for fds and timers and posts what they bring.

#ifndef DAEMON_LOOP_EVENT_LOOP_H_
#define DAEMON_LOOP_EVENT_LOOP_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/loop/executor.h"
#include "daemon/loop/timer_queue.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class EventLoop : public Executor {
 public:
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();
  // No thread may be inside Run() or a task.
  ~EventLoop() override;

  void Post(Task task) override;
  TimerId After(absl::Duration delay, Task task) override;
  void Cancel(TimerId timer) override;
  absl::Time Now() const override;
  absl::Time WallTime() const override;

  // How soon after a call of on_event the next may come.
  enum class Pace {
    kAtOnce,
    // After a rest, for what nobody waits for but what comes often: each wake-up costs more than
    // the work it brings, so all that came meanwhile is taken together.
    kRested,
  };
  // The longest rest. All that rest are woken together, so it may be shorter.
  static constexpr absl::Duration kRest = absl::Milliseconds(2);

  // Calls on_event as a task whenever fd has one of the epoll events (EPOLLIN, EPOLLRDHUP, ...;
  // EPOLLERR and EPOLLHUP always). The next call comes only after this one returned. Borrows fd,
  // which must stay open until Unwatch. From any thread.
  using WatchId = uint64_t;
  absl::StatusOr<WatchId> Watch(int fd, uint32_t events,
                                absl::AnyInvocable<void(uint32_t)> on_event,
                                Pace pace = Pace::kAtOnce);
  // Inside a task: no call of on_event comes any more.
  void Unwatch(WatchId watch);

  // Waits for fds and timers until Stop(). One thread.
  void Run();
  // From any thread, and from a task.
  void Stop();

 private:
  struct Watcher {
    int fd;
    uint32_t events;
    absl::AnyInvocable<void(uint32_t)> on_event;
    Pace pace;
  };

  EventLoop(UniqueFd epoll, UniqueFd timer, UniqueFd stop);
  void RunDueTimers();
  void Arm(absl::Time due);
  void OnEvent(WatchId id, uint32_t events);
  // Lets the next event of a watcher through.
  void Rearm(WatchId id);

  const UniqueFd epoll_;
  const UniqueFd timer_;
  const UniqueFd stop_;
  std::atomic<bool> stopping_{false};

  std::mutex task_mutex_;
  std::deque<Task> tasks_;
  bool running_ = false;

  std::mutex timer_mutex_;
  TimerQueue timers_;
  absl::Time armed_ = absl::InfiniteFuture();

  std::mutex watch_mutex_;
  WatchId next_watch_ = 1;
  absl::flat_hash_map<WatchId, std::shared_ptr<Watcher>> watchers_;
  // Until the timer of the first of them. Inside tasks only.
  std::vector<WatchId> resting_;
};

}  // namespace dmaheap

#endif  // DAEMON_LOOP_EVENT_LOOP_H_

#include "daemon/loop/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// epoll data of the loop's own fds; watches count from 1 upwards.
constexpr uint64_t kTimerKey = ~uint64_t{0};
constexpr uint64_t kStopKey = ~uint64_t{0} - 1;

absl::Time SteadyNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

absl::Status AddOwn(int epoll, int fd, uint64_t key) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = key;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return ErrnoStatus(errno, "epoll_ctl");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus(errno, "epoll_create1");
  UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.valid()) return ErrnoStatus(errno, "timerfd_create");
  UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return ErrnoStatus(errno, "eventfd");
  if (absl::Status status = AddOwn(epoll.get(), timer.get(), kTimerKey); !status.ok()) {
    return status;
  }
  if (absl::Status status = AddOwn(epoll.get(), stop.get(), kStopKey); !status.ok()) return status;
  return std::unique_ptr<EventLoop>(
      new EventLoop(std::move(epoll), std::move(timer), std::move(stop)));
}

EventLoop::EventLoop(UniqueFd epoll, UniqueFd timer, UniqueFd stop)
    : epoll_(std::move(epoll)), timer_(std::move(timer)), stop_(std::move(stop)) {}

EventLoop::~EventLoop() = default;

void EventLoop::Post(Task task) {
  {
    std::lock_guard<std::mutex> lock(task_mutex_);
    tasks_.push_back(std::move(task));
    if (running_) return;  // whoever runs takes it
    running_ = true;
  }
  while (true) {
    Task next;
    {
      std::lock_guard<std::mutex> lock(task_mutex_);
      if (tasks_.empty()) {
        running_ = false;
        return;
      }
      next = std::move(tasks_.front());
      tasks_.pop_front();
    }
    next();
  }
}

TimerId EventLoop::After(absl::Duration delay, Task task) {
  const absl::Time due = SteadyNow() + delay;
  std::lock_guard<std::mutex> lock(timer_mutex_);
  const TimerId id = timers_.Add(due, std::move(task));
  if (due < armed_) Arm(due);
  return id;
}

void EventLoop::Cancel(TimerId timer) {
  Task dropped;  // destroyed after the lock: what it owns may come back to us
  std::lock_guard<std::mutex> lock(timer_mutex_);
  dropped = timers_.Take(timer);
  // The timerfd stays armed: one idle wake-up costs less than a system call for each cancel.
}

void EventLoop::Arm(absl::Time due) {
  armed_ = due;
  itimerspec spec = {};
  spec.it_value = absl::ToTimespec(due);
  if (spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec == 0) spec.it_value.tv_nsec = 1;
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void EventLoop::RunDueTimers() {
  uint64_t expirations;
  // Only clears the readiness; what is due is decided by the clock.
  [[maybe_unused]] const ssize_t n = read(timer_.get(), &expirations, sizeof(expirations));
  std::vector<TimerId> due;
  {
    std::lock_guard<std::mutex> lock(timer_mutex_);
    const absl::Time now = SteadyNow();
    due = timers_.DueBy(now);
    armed_ = absl::InfiniteFuture();
    const absl::Time next = timers_.NextAfter(now);
    if (next != absl::InfiniteFuture()) Arm(next);
  }
  for (const TimerId id : due) {
    // Taken inside a task, so that a Cancel in an earlier task still counts.
    Post([this, id] {
      Task task;
      {
        std::lock_guard<std::mutex> lock(timer_mutex_);
        task = timers_.Take(id);
      }
      if (task != nullptr) task();
    });
  }
}

absl::Time EventLoop::Now() const { return SteadyNow(); }

absl::Time EventLoop::WallTime() const { return absl::Now(); }

absl::StatusOr<EventLoop::WatchId> EventLoop::Watch(int fd, uint32_t events,
                                                    absl::AnyInvocable<void(uint32_t)> on_event,
                                                    Pace pace) {
  auto watcher = std::make_shared<Watcher>(Watcher{fd, events, std::move(on_event), pace});
  std::lock_guard<std::mutex> lock(watch_mutex_);
  const WatchId id = next_watch_++;
  epoll_event event = {};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return ErrnoStatus(errno, "epoll_ctl");
  }
  watchers_.emplace(id, std::move(watcher));
  return id;
}

void EventLoop::Unwatch(WatchId watch) {
  std::shared_ptr<Watcher> dropped;
  std::lock_guard<std::mutex> lock(watch_mutex_);
  const auto it = watchers_.find(watch);
  if (it == watchers_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, it->second->fd, nullptr);
  dropped = std::move(it->second);
  watchers_.erase(it);
}

void EventLoop::OnEvent(WatchId id, uint32_t events) {
  std::shared_ptr<Watcher> watcher;
  {
    std::lock_guard<std::mutex> lock(watch_mutex_);
    const auto it = watchers_.find(id);
    if (it == watchers_.end()) return;
    watcher = it->second;
  }
  watcher->on_event(events);
  if (watcher->pace == Pace::kAtOnce) return Rearm(id);
  resting_.push_back(id);
  if (resting_.size() > 1) return;
  After(kRest, [this] {
    for (const WatchId rested : std::exchange(resting_, {})) Rearm(rested);
  });
}

void EventLoop::Rearm(WatchId id) {
  std::lock_guard<std::mutex> lock(watch_mutex_);
  const auto it = watchers_.find(id);
  if (it == watchers_.end()) return;  // it unwatched itself
  epoll_event event = {};
  event.events = it->second->events | EPOLLONESHOT;
  event.data.u64 = id;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, it->second->fd, &event);
}

void EventLoop::Run() {
  std::array<epoll_event, 64> events;
  while (!stopping_.load(std::memory_order_acquire)) {
    const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < n; ++i) {
      const uint64_t key = events[i].data.u64;
      if (key == kStopKey) break;
      if (key == kTimerKey) {
        RunDueTimers();
      } else {
        Post([this, key, ready = events[i].events] { OnEvent(key, ready); });
      }
    }
  }
}

void EventLoop::Stop() {
  stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(stop_.get(), &one, sizeof(one));
}

}  // namespace dmaheap

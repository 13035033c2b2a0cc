#include "client/internal/slot_gate.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <utility>

namespace dmaheap::client_internal {

void SlotGate::SetWindow(int window) {
  std::deque<Waiter> admitted;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    window_ = window;
    admitted = Admit();
  }
  for (Waiter& waiter : admitted) waiter.go();
}

int SlotGate::SlotsFor(int buffers) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return std::clamp(buffers, 1, std::max(window_, 1));
}

uint64_t SlotGate::Enter(int slots, std::function<void()> go) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (waiters_.empty() && Fits(slots)) {
    taken_ += slots;
    return 0;
  }
  waiters_.push_back({++last_ticket_, slots, std::move(go)});
  return last_ticket_;
}

bool SlotGate::EnterAndWait(int slots, const Deadline& deadline) {
  {
    // The way of nearly every request: no waiter object is made.
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiters_.empty() && Fits(slots)) {
      taken_ += slots;
      return true;
    }
  }
  struct Bell {
    std::mutex mutex;
    std::condition_variable rung;
    bool in = false;
  };
  const auto bell = std::make_shared<Bell>();
  const uint64_t ticket = Enter(slots, [bell] {
    std::lock_guard<std::mutex> lock(bell->mutex);
    bell->in = true;
    bell->rung.notify_one();
  });
  if (ticket == 0) return true;
  std::unique_lock<std::mutex> lock(bell->mutex);
  const auto is_in = [&] { return bell->in; };
  if (deadline.infinite()) {
    bell->rung.wait(lock, is_in);
    return true;
  }
  if (bell->rung.wait_until(lock, deadline.time(), is_in)) return true;
  lock.unlock();
  if (Withdraw(ticket)) return false;
  // Admitted at the last moment.
  lock.lock();
  bell->rung.wait(lock, is_in);
  return true;
}

bool SlotGate::Withdraw(uint64_t ticket) {
  std::deque<Waiter> admitted;
  bool found = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto it = std::find_if(waiters_.begin(), waiters_.end(),
                                 [&](const Waiter& waiter) { return waiter.ticket == ticket; });
    if (it != waiters_.end()) {
      found = true;
      waiters_.erase(it);
      // It may have been a large one that held up the small ones behind it.
      admitted = Admit();
    }
  }
  for (Waiter& waiter : admitted) waiter.go();
  return found;
}

void SlotGate::Leave(int slots) {
  std::deque<Waiter> admitted;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    taken_ -= slots;
    if (!waiters_.empty()) admitted = Admit();
  }
  for (Waiter& waiter : admitted) waiter.go();
}

std::deque<SlotGate::Waiter> SlotGate::Admit() {
  std::deque<Waiter> admitted;
  while (!waiters_.empty() && Fits(waiters_.front().slots)) {
    taken_ += waiters_.front().slots;
    admitted.push_back(std::move(waiters_.front()));
    waiters_.pop_front();
  }
  return admitted;
}

}  // namespace dmaheap::client_internal

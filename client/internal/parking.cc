#include "client/internal/parking.h"

#include <algorithm>
#include <utility>

namespace dmaheap::client_internal {

void Parking::Park(std::shared_ptr<Parked> parked) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stop_) return;
    places_.push_back({std::move(parked), Deadline::After(absl::ZeroDuration())});
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
    woken_ = true;
  }
  news_.notify_all();
}

void Parking::Wake() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (places_.empty()) return;
    for (Place& place : places_) place.next = Deadline::After(absl::ZeroDuration());
    woken_ = true;
  }
  news_.notify_all();
}

void Parking::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Parking::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    woken_ = false;
    Deadline earliest = Deadline::After(absl::InfiniteDuration());
    std::vector<Place> due;
    for (auto it = places_.begin(); it != places_.end();) {
      if (it->next.Expired()) {
        due.push_back(std::move(*it));
        it = places_.erase(it);
      } else {
        earliest = std::min(earliest, it->next, [](const Deadline& a, const Deadline& b) {
          return a.time() < b.time();
        });
        ++it;
      }
    }
    if (stop_) return;
    if (due.empty()) {
      const auto news = [this] { return stop_ || woken_; };
      if (earliest.infinite()) {
        news_.wait(lock, news);
      } else {
        news_.wait_until(lock, earliest.time(), news);
      }
      continue;
    }
    // While they are poked they are in no list: a Wake in between must not be lost on them.
    lock.unlock();
    for (Place& place : due) {
      const absl::optional<Deadline> next = place.parked->Poke();
      if (next.has_value()) {
        place.next = *next;
      } else {
        place.parked = nullptr;
      }
    }
    lock.lock();
    for (Place& place : due) {
      if (place.parked == nullptr) continue;
      if (woken_) place.next = Deadline::After(absl::ZeroDuration());
      places_.push_back(std::move(place));
    }
  }
}

}  // namespace dmaheap::client_internal

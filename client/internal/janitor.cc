#include "client/internal/janitor.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace dmaheap::client_internal {
namespace {

// Without an eventfd (no fd number left) new work is noticed this late.
constexpr absl::Duration kBlindPoll = absl::Milliseconds(100);

void Ring(const UniqueFd& wake) {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the reader wakes as well.
  if (wake.valid() && write(wake.get(), &one, sizeof(one)) < 0) return;
}

}  // namespace

Janitor::~Janitor() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    Ring(wake_);
  }
  called_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Janitor::Watch(std::shared_ptr<FdSession> session, absl::Duration grace) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stop_) return;
  const Deadline until = Deadline::After(grace);
  const auto known = std::find_if(charges_.begin(), charges_.end(),
                                  [&](const Charge& charge) { return charge.session == session; });
  if (known != charges_.end()) {
    known->until = until;
  } else {
    charges_.push_back({std::move(session), until});
  }
  if (!thread_.joinable()) {
    wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    thread_ = std::thread([this] { Run(); });
  }
  Ring(wake_);
  called_.notify_all();
}

void Janitor::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    called_.wait(lock, [this] { return stop_ || !charges_.empty(); });
    if (stop_) return;
    const std::list<Charge> charges = charges_;
    lock.unlock();
    for (const Charge& charge : charges) {
      charge.session->Drain();
      if (charge.until.Expired()) charge.session->GiveUpAbandoned();
    }
    lock.lock();
    charges_.remove_if([](const Charge& charge) {
      return charge.session->ended() || !charge.session->NeedsCare();
    });
    if (stop_ || charges_.empty()) continue;
    const std::list<Charge> left = charges_;
    lock.unlock();
    WaitForFrames(left);
    lock.lock();
  }
}

void Janitor::WaitForFrames(const std::list<Charge>& charges) {
  std::vector<pollfd> entries;
  Deadline deadline = Deadline::After(absl::InfiniteDuration());
  for (const Charge& charge : charges) {
    short events = POLLIN;
    if (charge.session->WantsWrite()) events |= POLLOUT;
    entries.push_back({.fd = charge.session->socket(), .events = events, .revents = 0});
    deadline = deadline.NoLaterThan(charge.until.Remaining());
  }
  if (wake_.valid()) {
    entries.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
  } else {
    deadline = deadline.NoLaterThan(kBlindPoll);
  }
  poll(entries.data(), entries.size(), deadline.PollMilliseconds());
  uint64_t rings;
  if (wake_.valid() && read(wake_.get(), &rings, sizeof(rings)) < 0) return;
}

}  // namespace dmaheap::client_internal

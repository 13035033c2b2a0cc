#include "client/internal/give_back_listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "client/internal/convert.h"

namespace dmaheap::client_internal {
namespace {

// Of a program that answers more slowly than it is asked, which is once a second for each heap, the
// newest count.
constexpr size_t kMostQuestions = 16;

// Without an eventfd (no fd number left) an end is noticed this late.
constexpr int kBlindPollMilliseconds = 100;

}  // namespace

void GiveBackListener::Start(Current current) {
  current_ = std::move(current);
  wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  thread_ = std::thread([this] { Run(); });
}

void GiveBackListener::Take(const v1::GiveBack& question) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (questions_.size() == kMostQuestions) questions_.pop_front();
  questions_.push_back(ToGiveBackRequest(question));
  Ring();
}

void GiveBackListener::OnNewSession() {
  std::lock_guard<std::mutex> lock(mutex_);
  Ring();
}

void GiveBackListener::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    Ring();
  }
  if (thread_.joinable()) thread_.join();
}

void GiveBackListener::Run() {
  while (PassOn()) {
    const std::shared_ptr<FdSession> session = current_();
    // What lies there would end the wait at once, again and again.
    session->Drain();
    Wait(*session);
  }
}

bool GiveBackListener::PassOn() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_ && !questions_.empty()) {
    const GiveBackRequest question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    callback_(question);
    lock.lock();
  }
  return !stop_;
}

void GiveBackListener::Wait(FdSession& session) {
  pollfd entries[] = {
      {.fd = wake_.get(), .events = POLLIN, .revents = 0},
      // An end is no news a second time.
      {.fd = session.ended() ? -1 : session.socket(), .events = POLLIN, .revents = 0}};
  poll(entries, 2, wake_.valid() ? -1 : kBlindPollMilliseconds);
  uint64_t rings;
  if (wake_.valid() && read(wake_.get(), &rings, sizeof(rings)) < 0) return;
}

void GiveBackListener::Ring() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the reader wakes as well.
  if (wake_.valid() && write(wake_.get(), &one, sizeof(one)) < 0) return;
}

}  // namespace dmaheap::client_internal

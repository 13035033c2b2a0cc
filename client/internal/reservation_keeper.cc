#include "client/internal/reservation_keeper.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "client/internal/deadline.h"
#include "client/internal/grpc_channel.h"
#include "client/internal/recovery.h"
#include "proto/error.h"
#include "proto/grpc_status.h"

namespace dmaheap::client_internal {
namespace {

// Of one KeepReservation, which takes the daemon no time at all.
constexpr absl::Duration kCallPatience = absl::Seconds(1);

// A daemon that is there and says no is asked again this late: well within the usual lease of 60 s,
// for its policy may be put right meanwhile, and seldom enough to fill no log.
constexpr absl::Duration kRefusedPause = absl::Seconds(10);

// Without an eventfd (no fd number left) news is noticed this late.
constexpr absl::Duration kBlindPoll = absl::Milliseconds(100);

absl::Duration PauseAfter(const absl::Status& status, bool session_ended, Backoff& backoff) {
  if (status.ok()) return absl::InfiniteDuration();
  const bool unanswered = status.code() == absl::StatusCode::kDeadlineExceeded ||
                          RecoveryFor(status, session_ended) != Recovery::kNone;
  return unanswered ? backoff.Next() : kRefusedPause;
}

}  // namespace

ReservationKeeper::ReservationKeeper(Current current, Replace replace)
    : current_(std::move(current)), replace_(std::move(replace)) {}

void ReservationKeeper::OnKept(const std::string& name, const std::string& session_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stop_) return;
  const auto [it, added] = kept_by_.try_emplace(name, session_id);
  if (!added && it->second == session_id) return;
  it->second = session_id;
  if (!thread_.joinable()) {
    wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    thread_ = std::thread([this] { Run(); });
  }
  Ring();
}

void ReservationKeeper::Forget(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  kept_by_.erase(name);
  // With the last one it lets go of the session that it watches.
  if (kept_by_.empty()) Ring();
}

void ReservationKeeper::OnNewSession() {
  std::lock_guard<std::mutex> lock(mutex_);
  Ring();
}

void ReservationKeeper::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    if (call_ != nullptr) call_->TryCancel();
    Ring();
  }
  if (thread_.joinable()) thread_.join();
}

std::vector<std::string> ReservationKeeper::names() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, session] : kept_by_) names.push_back(name);
  return names;
}

void ReservationKeeper::Run() {
  Backoff backoff;
  for (;;) {
    if (names().empty()) {
      if (!Wait(nullptr, absl::InfiniteDuration())) return;
      continue;
    }
    std::shared_ptr<Link> link = current_();
    absl::Status status;
    if (link->session->ended()) {
      // All clients of the daemon see its end at once: they must not all come back at once.
      if (!Wait(nullptr, backoff.Next())) return;
      status = replace_(link, /*needs_session=*/true);
      if (status.ok() || WorthRedialing(status)) continue;
    } else {
      status = KeepAll(link);
    }
    if (status.ok()) backoff = Backoff();
    const bool ended = link->session->ended();
    if (!Wait(ended ? nullptr : link->session.get(), PauseAfter(status, ended, backoff))) return;
  }
}

absl::Status ReservationKeeper::KeepAll(const std::shared_ptr<Link>& link) {
  absl::Status worst;
  for (const std::string& name : NotKeptBy(link->session->id())) {
    const absl::Status status = KeepOne(*link, name);
    if (stopped()) return status;
    if (status.ok()) {
      MarkKept(name, link->session->id());
      continue;
    }
    // Nothing is left of it, or this daemon has no reservations.
    if (GetReason(status) == ErrorReason::RESERVATION_NOT_FOUND ||
        status.code() == absl::StatusCode::kUnimplemented) {
      Forget(name);
      continue;
    }
    link->session->Drain();
    const Recovery recovery = RecoveryFor(status, link->session->ended());
    if (recovery == Recovery::kReconnect || recovery == Recovery::kNewSession) {
      replace_(link, recovery == Recovery::kNewSession || link->session->ended()).IgnoreError();
      return status;
    }
    worst.Update(status);
  }
  return worst;
}

absl::Status ReservationKeeper::KeepOne(Link& link, const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(context, Deadline::After(kCallPatience));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stop_) return absl::CancelledError();
    call_ = &context;
  }
  v1::KeepReservationRequest request;
  request.set_name(name);
  request.set_session_id(link.session->id());
  v1::Reservation response;
  const absl::Status status =
      FromGrpcStatus(link.stub->KeepReservation(&context, request, &response));
  std::lock_guard<std::mutex> lock(mutex_);
  call_ = nullptr;
  return status;
}

void ReservationKeeper::MarkKept(const std::string& name, const std::string& session_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  // Unless it was deleted meanwhile.
  const auto it = kept_by_.find(name);
  if (it != kept_by_.end()) it->second = session_id;
}

std::vector<std::string> ReservationKeeper::NotKeptBy(const std::string& session_id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, session] : kept_by_) {
    if (session != session_id) names.push_back(name);
  }
  return names;
}

bool ReservationKeeper::Wait(FdSession* session, absl::Duration time) {
  if (stopped()) return false;
  // Of the session only its end (POLLHUP): a frame is for whoever waits for it.
  pollfd entries[] = {
      {.fd = wake_.get(), .events = POLLIN, .revents = 0},
      {.fd = session == nullptr ? -1 : session->socket(), .events = POLLRDHUP, .revents = 0},
  };
  const Deadline until = Deadline::After(wake_.valid() ? time : std::min(time, kBlindPoll));
  // poll(2) leaves out an fd below zero.
  poll(entries, 2, until.infinite() ? -1 : until.PollMilliseconds());
  uint64_t rings = 0;
  if (entries[0].revents != 0 && read(wake_.get(), &rings, sizeof(rings)) < 0) rings = 0;
  // Reads what the daemon had still sent, for those who expect it, up to the end.
  if (entries[1].revents != 0) session->Drain();
  return !stopped();
}

void ReservationKeeper::Ring() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the reader wakes as well.
  if (wake_.valid() && write(wake_.get(), &one, sizeof(one)) < 0) return;
}

bool ReservationKeeper::stopped() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return stop_;
}

}  // namespace dmaheap::client_internal

#include "client/internal/fd_session.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/check_fd.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/rpc_status.h"

namespace dmaheap::client_internal {
namespace {

// Another thread may read the frame that this one polls for; so it looks again this often.
constexpr absl::Duration kLookAgain = absl::Milliseconds(10);

absl::Status Truncated(const v1::Buffers& frame, size_t arrived) {
  return Error(
             ErrorReason::TRUNCATED_RECEIPT,
             absl::StrCat("of ", frame.entries_size(), " fds in a frame only ", arrived,
                          " arrived: this process has no file descriptor left (RLIMIT_NOFILE), or "
                          "a security policy forbids it to hold them; close some fds and ask "
                          "again. All fds of the request were closed"))
      .With("request_id", frame.request_id())
      .With("asked", frame.entries_size())
      .With("arrived", arrived);
}

absl::Status Incomplete(const std::string& request_id, int total, int arrived) {
  return Error(ErrorReason::TRUNCATED_RECEIPT,
               absl::StrCat("the daemon answered but of ", total, " fds only ", arrived,
                            " arrived; they were closed. If request_id ", request_id,
                            " was answered before, the buffers went to who asked first"))
      .With("request_id", request_id)
      .With("asked", total)
      .With("arrived", arrived);
}

}  // namespace

FdSession::FdSession(DialedChannel channel, OnGiveBack on_give_back)
    : socket_(std::move(channel.socket)),
      welcome_(std::move(channel.welcome)),
      on_give_back_(std::move(on_give_back)) {}

bool FdSession::Expect(const std::string& request_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  return inbox_.Expect(request_id);
}

absl::StatusOr<std::vector<Arrived>> FdSession::Take(const std::string& request_id,
                                                     int64_t batch_id, int total,
                                                     const Deadline& deadline) {
  for (;;) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      Pump pump = Pump::kFrame;
      const Batch* batch = inbox_.Find(request_id, batch_id);
      while ((batch == nullptr || (batch->broken.ok() && !batch->whole())) &&
             (pump = ReceiveOne()) == Pump::kFrame) {
        batch = inbox_.Find(request_id, batch_id);
      }
      const bool settled = batch != nullptr && (batch->whole() || !batch->broken.ok());
      if (settled || pump == Pump::kEnded || deadline.Expired()) {
        absl::optional<Batch> taken = inbox_.Take(request_id, batch_id);
        CloseAndTell(inbox_.Forget(request_id));
        if (taken.has_value() && taken->whole() && taken->total == total) {
          return std::move(taken->parts);
        }
        absl::Status status =
            taken.has_value() && !taken->broken.ok()
                ? taken->broken
                : Incomplete(request_id, total, taken.has_value() ? taken->received : 0);
        if (taken.has_value()) CloseAndTell(std::move(taken->parts));
        UpdateCare();
        return status;
      }
    }
    pollfd entry = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
    poll(&entry, 1, deadline.NoLaterThan(kLookAgain).PollMilliseconds());
  }
}

absl::optional<std::vector<Arrived>> FdSession::TakeAtEnd(const std::string& request_id,
                                                          const Deadline& deadline) {
  for (;;) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      DrainLocked();
      absl::optional<Batch> batch = inbox_.TakeWhole(request_id);
      if (batch.has_value()) return std::move(batch->parts);
    }
    if (ended() || deadline.Expired()) return absl::nullopt;
    pollfd entry = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
    poll(&entry, 1, deadline.NoLaterThan(kLookAgain).PollMilliseconds());
  }
}

void FdSession::Forget(const std::string& request_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  CloseAndTell(inbox_.Forget(request_id));
  DrainLocked();
}

void FdSession::Abandon(const std::string& request_id) {
  std::lock_guard<std::mutex> lock(mutex_);
  CloseAndTell(inbox_.Abandon(request_id));
  DrainLocked();
}

void FdSession::Drain() {
  std::lock_guard<std::mutex> lock(mutex_);
  DrainLocked();
}

void FdSession::GiveUpAbandoned() {
  std::lock_guard<std::mutex> lock(mutex_);
  inbox_.GiveUpAbandoned();
  UpdateCare();
}

void FdSession::SendRelease(const std::vector<std::string>& names) {
  if (names.empty() || ended()) return;
  v1::ClientMessage message;
  for (const std::string& name : names) message.mutable_release()->add_names(name);
  // A hint: the daemon finds out by itself when it does not arrive.
  SendToServer(socket_.get(), message).IgnoreError();
}

absl::Status FdSession::end_status() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return end_status_;
}

void FdSession::DrainLocked() {
  while (ReceiveOne() == Pump::kFrame) {
  }
  UpdateCare();
}

FdSession::Pump FdSession::ReceiveOne() {
  if (ended()) return Pump::kEnded;
  if (!receipts_.empty()) FlushReceipts();
  absl::StatusOr<ServerFrame> frame = ReceiveFromServer(socket_.get());
  if (frame.ok()) {
    if (frame->message.has_buffers()) {
      Handle(frame->message.buffers(), std::move(frame->fds), frame->truncated);
    } else if (frame->message.has_refusal()) {
      end_status_ = FromRpcStatus(frame->message.refusal().status());
    } else if (frame->message.has_give_back() && on_give_back_) {
      on_give_back_(frame->message.give_back());
    }
    return Pump::kFrame;
  }
  const int error_number = GetErrno(frame.status());
  if (error_number == EAGAIN) return Pump::kEmpty;
  // The daemon closed with bytes of ours unread. The kernel says so once, before the frames that
  // are still queued (unix_release_sock of net/unix/af_unix.c): read on to the end.
  if (error_number == ECONNRESET) return Pump::kFrame;
  if (frame.status().code() != absl::StatusCode::kOutOfRange && end_status_.ok()) {
    end_status_ = frame.status();
  }
  ended_.store(true, std::memory_order_release);
  receipts_.clear();
  inbox_.GiveUpAbandoned();
  UpdateCare();
  return Pump::kEnded;
}

void FdSession::Handle(const v1::Buffers& frame, std::vector<UniqueFd> fds, bool truncated) {
  absl::Status broken;
  if (truncated) {
    const size_t entries = static_cast<size_t>(frame.entries_size());
    if (entries > 0 && fds.size() >= entries) fds.resize(entries - 1);
    broken = Truncated(frame, fds.size());
  }
  int received = static_cast<int>(fds.size());
  for (int i = 0; broken.ok() && i < received; ++i) {
    broken = CheckFd(fds[static_cast<size_t>(i)].get(), frame.entries(i));
    if (!broken.ok()) received = i;
  }
  std::vector<Arrived> unwanted = inbox_.File(frame, std::move(fds), broken);
  // Closed first: the receipt says that they are.
  std::vector<std::string> names;
  for (const Arrived& arrived : unwanted) names.push_back(arrived.entry.name());
  unwanted.clear();
  Acknowledge(frame, received);
  SendRelease(names);
}

void FdSession::Acknowledge(const v1::Buffers& frame, int received) {
  v1::ClientMessage message;
  v1::Receipt* receipt = message.mutable_receipt();
  receipt->set_batch_id(frame.batch_id());
  receipt->set_first_index(frame.first_index());
  receipt->set_received(received);
  if (receipts_.empty()) {
    const absl::Status sent = SendToServer(socket_.get(), message);
    // A closed peer needs no receipt, and is seen at the next receive.
    if (sent.ok() || GetErrno(sent) != EAGAIN) return;
  }
  receipts_.push_back(std::move(message));
  UpdateCare();
}

void FdSession::FlushReceipts() {
  while (!receipts_.empty()) {
    const absl::Status sent = SendToServer(socket_.get(), receipts_.front());
    if (!sent.ok() && GetErrno(sent) == EAGAIN) return;
    receipts_.pop_front();
  }
  UpdateCare();
}

void FdSession::CloseAndTell(std::vector<Arrived> unwanted) {
  std::vector<std::string> names;
  for (const Arrived& arrived : unwanted) {
    if (arrived.fd.valid()) names.push_back(arrived.entry.name());
  }
  unwanted.clear();
  SendRelease(names);
}

void FdSession::UpdateCare() {
  wants_write_.store(!receipts_.empty(), std::memory_order_relaxed);
  needs_care_.store(!receipts_.empty() || inbox_.AwaitsAbandoned(), std::memory_order_relaxed);
}

}  // namespace dmaheap::client_internal

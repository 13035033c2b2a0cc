#include "daemon/transport/session.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/wire.h"

namespace dmaheap {

absl::Status Session::ReserveSlots(int count) {
  if (reserved_ + unacknowledged_ + count > kFdWindow && on_window_full) on_window_full();
  if (reserved_ + unacknowledged_ + count > kFdWindow) {
    return Error(ErrorReason::FD_CHANNEL_FULL,
                 absl::StrCat("the session's window of ", kFdWindow, " buffers has no room for ",
                              count, " more: ", unacknowledged_,
                              " wait to be read and acknowledged, ", reserved_,
                              " belong to requests under way. Read the fd channel, or let ",
                              "requests end, then ask again."))
        .With("window", kFdWindow)
        .With("unacknowledged", unacknowledged_)
        .With("reserved", reserved_)
        .With("asked", count)
        .RetryAfter(absl::Milliseconds(20));
  }
  reserved_ += count;
  return absl::OkStatus();
}

absl::Status Session::Push(v1::Buffers frame, absl::Span<const int> fds) {
  if (!alive()) return ErrnoStatus(EPIPE, "the session ended");
  const std::pair key(frame.batch_id(), frame.first_index());
  v1::ServerMessage message;
  *message.mutable_buffers() = std::move(frame);
  if (absl::Status status = SendToClient(socket_.get(), message, fds); !status.ok()) return status;
  const int count = static_cast<int>(fds.size());
  reserved_ -= count;
  unacknowledged_ += count;
  frames_[key] = {count, executor_.Now()};
  if (unacknowledged_ == count && on_unread) on_unread();
  return absl::OkStatus();
}

bool Session::AskGiveBack(const v1::GiveBack& question) {
  if (!alive() || !gives_back || wire_version < kGiveBackWireVersion) return false;
  v1::ServerMessage message;
  *message.mutable_give_back() = question;
  return SendToClient(socket_.get(), message, {}).ok();
}

absl::optional<int> Session::Acknowledge(const v1::Receipt& receipt) {
  const auto it = frames_.find({receipt.batch_id(), receipt.first_index()});
  if (it == frames_.end() || receipt.received() < 0 || receipt.received() > it->second.fds) {
    return absl::nullopt;
  }
  const int sent = it->second.fds;
  unacknowledged_ -= sent;
  frames_.erase(it);
  return sent - receipt.received();
}

absl::Time Session::oldest_push() const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const auto& [key, frame] : frames_) oldest = std::min(oldest, frame.pushed);
  return oldest;
}

}  // namespace dmaheap

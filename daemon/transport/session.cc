#include "daemon/transport/session.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/wire.h"

namespace dmaheap {

absl::Status Session::ReserveSlots(int count) {
  const int used = reserved_ + unacknowledged_;
  if (used + count > kFdWindow) {
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

absl::Status Session::Push(const v1::Buffers& frame, absl::Span<const int> fds) {
  if (!alive()) return ErrnoStatus(EPIPE, "the session ended");
  v1::ServerMessage message;
  *message.mutable_buffers() = frame;
  if (absl::Status status = SendToClient(socket_.get(), message, fds); !status.ok()) return status;
  const int count = static_cast<int>(fds.size());
  reserved_ -= count;
  unacknowledged_ += count;
  frames_[{frame.batch_id(), frame.first_index()}] = {count, executor_.Now()};
  if (unacknowledged_ == count && on_unread) on_unread();
  return absl::OkStatus();
}

bool Session::Acknowledge(const v1::Receipt& receipt) {
  const auto it = frames_.find({receipt.batch_id(), receipt.first_index()});
  if (it == frames_.end() || receipt.received() < 0 || receipt.received() > it->second.fds) {
    return false;
  }
  unacknowledged_ -= it->second.fds;
  frames_.erase(it);
  return true;
}

absl::Time Session::oldest_push() const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const auto& [key, frame] : frames_) oldest = std::min(oldest, frame.pushed);
  return oldest;
}

}  // namespace dmaheap

// A session without a socket: what was pushed lies in a list until the test reads it. One thread.

#ifndef DAEMON_CORE_TESTING_FAKE_RECIPIENT_H_
#define DAEMON_CORE_TESTING_FAKE_RECIPIENT_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/core/recipient.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/unique_fd.h"
#include "proto/wire.h"

namespace dmaheap {

class FakeRecipient : public Recipient {
 public:
  struct Frame {
    v1::Buffers message;
    std::vector<UniqueFd> fds;
  };

  explicit FakeRecipient(uint64_t client_id) : client_id_(client_id) {}

  // Pushes from the n-th on (from 1) fail with error_number.
  void FailPush(int nth, int error_number) {
    fail_in_ = nth;
    fail_with_ = error_number;
  }
  // The connection is gone, and with it what was not read.
  void Die() {
    alive_ = false;
    unread_.clear();
  }
  // Takes what was pushed and acknowledges it.
  std::vector<Frame> Read() {
    std::vector<Frame> frames = std::exchange(unread_, {});
    for (const Frame& frame : frames) unacknowledged_ -= static_cast<int>(frame.fds.size());
    return frames;
  }

  uint64_t client_id() const override { return client_id_; }
  bool alive() const override { return alive_; }
  absl::Status ReserveSlots(int count) override {
    if (reserved_ + unacknowledged_ + count > kFdWindow) {
      return Error(ErrorReason::FD_CHANNEL_FULL, "fake window");
    }
    reserved_ += count;
    return absl::OkStatus();
  }
  void ReturnSlots(int count) override { reserved_ -= count; }
  absl::Status Push(v1::Buffers frame, absl::Span<const int> fds) override {
    if (!alive_) return ErrnoStatus(EPIPE, "fake session");
    if (fail_in_ > 0 && --fail_in_ == 0) {
      fail_in_ = 1;
      return ErrnoStatus(fail_with_, "fake push");
    }
    Frame pushed{frame, {}};
    for (const int fd : fds) pushed.fds.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    reserved_ -= static_cast<int>(fds.size());
    unacknowledged_ += static_cast<int>(fds.size());
    unread_.push_back(std::move(pushed));
    return absl::OkStatus();
  }

  int reserved() const { return reserved_; }
  int unacknowledged() const { return unacknowledged_; }

 private:
  const uint64_t client_id_;
  bool alive_ = true;
  int fail_in_ = 0;
  int fail_with_ = 0;
  int reserved_ = 0;
  int unacknowledged_ = 0;
  std::vector<Frame> unread_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_RECIPIENT_H_

// Where delivered buffers go: a session's fd channel, as the core sees it.
//
// Inside tasks of the executor only.

#ifndef DAEMON_CORE_RECIPIENT_H_
#define DAEMON_CORE_RECIPIENT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "dmaheap/v1/fd_channel.pb.h"

namespace dmaheap {

class Recipient {
 public:
  virtual ~Recipient() = default;

  // The {client} number; never used twice.
  virtual uint64_t client_id() const = 0;

  // False once the connection is gone. It never comes back.
  virtual bool alive() const = 0;

  // Sets slots of the window of un-acknowledged fds aside. FD_CHANNEL_FULL if there are not so
  // many.
  virtual absl::Status ReserveSlots(int count) = 0;
  virtual void ReturnSlots(int count) = 0;

  // Sends one frame. Borrows the fds; their slots, reserved before, are free again when the client
  // acknowledges. Errors carry the errno of the socket; nothing of the frame went out then.
  virtual absl::Status Push(v1::Buffers frame, absl::Span<const int> fds) = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_RECIPIENT_H_

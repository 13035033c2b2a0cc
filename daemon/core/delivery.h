// Sends the fds of a batch over a session's fd channel, frame by frame.

#ifndef DAEMON_CORE_DELIVERY_H_
#define DAEMON_CORE_DELIVERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/core/live_buffer.h"
#include "daemon/core/recipient.h"
#include "heaps/buffer.h"

namespace dmaheap {

struct PushResult {
  // Fds that went out, also when a later frame failed: the client closes the part it has.
  int fds = 0;
  // FD_CHANNEL_FULL: the client does not read. SESSION_UNKNOWN: it is gone. DAEMON_FD_LIMIT: too
  // many of our fds are in flight.
  absl::Status status;
};

PushResult PushBatch(Recipient& recipient, int64_t batch_id, const std::string& request_id,
                     const std::vector<Buffer>& buffers);

// A batch of one held buffer; borrows fd.
PushResult PushOne(Recipient& recipient, int64_t batch_id, const std::string& request_id,
                   const LiveBuffer& record, int fd);

}  // namespace dmaheap

#endif  // DAEMON_CORE_DELIVERY_H_

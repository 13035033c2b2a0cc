// What the books say of one buffer, with its charge.

#ifndef DAEMON_CORE_LIVE_BUFFER_H_
#define DAEMON_CORE_LIVE_BUFFER_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/core/ledger.h"
#include "dmaheap/v1/resources.pb.h"
#include "heaps/buffer.h"

namespace dmaheap {

struct LiveBuffer {
  BufferKey key;
  // The heap's own name.
  std::string heap;
  int64_t size_bytes = 0;
  v1::Contiguity contiguity = v1::CONTIGUITY_UNSPECIFIED;
  std::string label;
  v1::Buffer::State state = v1::Buffer::STATE_UNSPECIFIED;
  // Its uid is the buffer's owner.
  Charge charge;
  // The session that got it; 0 for a held one.
  uint64_t client_id = 0;
  std::string request_id;
  absl::Time create_time;
  // Of a held one.
  absl::optional<absl::Time> expire_time;
  std::string claim_token;
  // reservations/{id} that it was made for, 0: none; and whether somebody drew it.
  uint64_t reservation = 0;
  bool drawn = false;
};

// Without the token.
v1::Buffer ToProto(const LiveBuffer& record);

}  // namespace dmaheap

#endif  // DAEMON_CORE_LIVE_BUFFER_H_

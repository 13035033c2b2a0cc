// What a Buffer and its Mappings share.

#ifndef CLIENT_INTERNAL_BUFFER_STATE_H_
#define CLIENT_INTERNAL_BUFFER_STATE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "client/dmaheap.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

// Whom a closed buffer is reported to. Thread-safe.
class ReleaseSink {
 public:
  virtual ~ReleaseSink() = default;
  virtual void SendRelease(const std::string& name) = 0;
};

// Closes the fd when the last owner goes, and then tells the daemon, if the Client still lives and
// this process is the one that got the buffer. Not thread-safe.
struct BufferState {
  BufferState() = default;
  BufferState(const BufferState&) = delete;
  BufferState& operator=(const BufferState&) = delete;
  ~BufferState() {
    if (!fd.valid()) return;
    fd.Reset();
    if (const auto client = sink.lock()) client->SendRelease(name);
  }

  UniqueFd fd;
  std::string name;
  std::string heap;
  std::string label;
  int64_t size_bytes = 0;
  Contiguity contiguity = Contiguity::kUnspecified;
  std::string reservation;
  bool was_ready = false;
  std::weak_ptr<ReleaseSink> sink;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_BUFFER_STATE_H_

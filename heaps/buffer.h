// A buffer in the hand of the process that allocated it.

#ifndef HEAPS_BUFFER_H_
#define HEAPS_BUFFER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "dmaheap/v1/resources.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// Names a buffer for as long as its memory exists, and in practice for a boot: dma-buf inode
// numbers are never reused (drivers/dma-buf/dma-buf.c, dma_buf_getfile), memfd numbers after 2^32.
struct BufferKey {
  enum class Backing : uint8_t { kDmaBuf, kMemfd };

  Backing backing = Backing::kDmaBuf;
  uint64_t inode = 0;

  // "4711" for a dma-buf, "memfd-4711" for a memfd: the {buffer} of the resource name.
  std::string ToString() const;
  // The opposite of ToString.
  static absl::optional<BufferKey> Parse(absl::string_view text);

  friend bool operator==(const BufferKey& a, const BufferKey& b) = default;
  friend auto operator<=>(const BufferKey& a, const BufferKey& b) = default;

  template <typename H>
  friend H AbslHashValue(H state, const BufferKey& key) {
    return H::combine(std::move(state), key.backing, key.inode);
  }
};

// Move-only: it owns the fd, and with it (until somebody else gets a reference) the memory.
struct Buffer {
  UniqueFd fd;
  BufferKey key;
  // What the memory really has: the asked size rounded up to whole pages.
  int64_t size_bytes = 0;
  v1::Contiguity contiguity = v1::CONTIGUITY_UNSPECIFIED;
};

}  // namespace dmaheap

#endif  // HEAPS_BUFFER_H_

// The buffers whose memory exists, as far as the daemon knows, with the charge of each.
//
// A record is made before the fd goes out and ends when the kernel says that the memory is gone. In
// the order in which the buffers were made. Inside tasks of the executor only.

#ifndef DAEMON_CORE_BUFFER_TABLE_H_
#define DAEMON_CORE_BUFFER_TABLE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "daemon/core/live_buffer.h"
#include "heaps/buffer.h"

namespace dmaheap {

// Totals of a heap or of a session.
struct BufferTotals {
  int64_t buffers = 0;
  int64_t bytes = 0;
};

class BufferTable {
 public:
  // By the number that orders the list; it only grows.
  using Records = std::map<uint64_t, LiveBuffer>;

  LiveBuffer& Insert(LiveBuffer record);
  // nullptr if there is none.
  LiveBuffer* Find(const BufferKey& key);
  const LiveBuffer* Find(const BufferKey& key) const;
  // Ends the record and its charge; false if there is none.
  bool Erase(const BufferKey& key);

  // Every buffer that the session got becomes ORPHANED; how many did.
  int OrphanClient(uint64_t client_id);

  // Kept up to date, so that who asks often costs nothing.
  BufferTotals OfHeap(const std::string& heap) const;
  BufferTotals OfClient(uint64_t client_id) const;

  const Records& records() const { return records_; }

 private:
  uint64_t next_ = 1;
  Records records_;
  absl::flat_hash_map<BufferKey, uint64_t> by_key_;
  // By heap.
  absl::flat_hash_map<std::string, BufferTotals> totals_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_BUFFER_TABLE_H_

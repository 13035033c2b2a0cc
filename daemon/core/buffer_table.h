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
};

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

  BufferTotals OfHeap(const std::string& heap) const;
  BufferTotals OfClient(uint64_t client_id) const;

  const Records& records() const { return records_; }

 private:
  uint64_t next_ = 1;
  Records records_;
  absl::flat_hash_map<BufferKey, uint64_t> by_key_;
};

v1::Buffer ToProto(const LiveBuffer& record);

}  // namespace dmaheap

#endif  // DAEMON_CORE_BUFFER_TABLE_H_

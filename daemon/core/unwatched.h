// Buffers that no watch tells of: those that outlived the keeper, who had kept the watches.
//
// Whether they still exist is found out by listing the buffers of the machine: one that a whole
// list lacks is gone. A scan of processes is weaker (an fd in flight is in no process), so a buffer
// is gone when two scans of every process, one after the other, lack it. Pure: no clock, no I/O.

#ifndef DAEMON_CORE_UNWATCHED_H_
#define DAEMON_CORE_UNWATCHED_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "dmaheap/v1/allocator.pb.h"
#include "heaps/buffer.h"

namespace dmaheap {

// What a look at the machine saw.
struct BufferListing {
  absl::flat_hash_set<BufferKey> seen;
  // Every dma-buf there is was seen.
  bool all_dma_bufs = false;
  // By whose list; PARTIAL where there is none but the scan.
  v1::AccountingSource source = v1::PARTIAL;
  // Every process was looked into.
  bool all_processes = false;
};

class Unwatched {
 public:
  void Add(const BufferKey& key) { missed_.emplace(key, 0); }
  bool empty() const { return missed_.empty(); }
  bool Has(const BufferKey& key) const { return missed_.contains(key); }

  // The buffers that are gone by this listing, each once.
  std::vector<BufferKey> Judge(const BufferListing& listing);

  // Whether a buffer was missed, but not often enough: another listing would tell.
  bool undecided() const;

  // What the books rest on: WATCH when nothing is unwatched, else the list that last told of every
  // buffer in here. PARTIAL without one, which is all that there can be for a memfd.
  v1::AccountingSource source() const;

 private:
  // How many scans in a row lacked it.
  absl::flat_hash_map<BufferKey, int> missed_;
  // Of the last look.
  v1::AccountingSource source_ = v1::PARTIAL;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_UNWATCHED_H_

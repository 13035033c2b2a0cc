#include "daemon/core/buffer_table.h"

#include <utility>

namespace dmaheap {

LiveBuffer& BufferTable::Insert(LiveBuffer record) {
  // An inode number that comes back (memfds, after 2^32) can only belong to new memory.
  Erase(record.key);
  const uint64_t number = next_++;
  by_key_[record.key] = number;
  BufferTotals& totals = totals_[record.heap];
  ++totals.buffers;
  totals.bytes += record.size_bytes;
  return records_.emplace(number, std::move(record)).first->second;
}

LiveBuffer* BufferTable::Find(const BufferKey& key) {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : &records_.at(it->second);
}

const LiveBuffer* BufferTable::Find(const BufferKey& key) const {
  return const_cast<BufferTable*>(this)->Find(key);
}

bool BufferTable::Erase(const BufferKey& key) {
  const auto it = by_key_.find(key);
  if (it == by_key_.end()) return false;
  const auto record = records_.find(it->second);
  BufferTotals& totals = totals_[record->second.heap];
  --totals.buffers;
  totals.bytes -= record->second.size_bytes;
  records_.erase(record);
  by_key_.erase(it);
  return true;
}

int BufferTable::OrphanClient(uint64_t client_id) {
  int orphaned = 0;
  for (auto& [number, record] : records_) {
    if (record.client_id != client_id || record.state != v1::Buffer::DELIVERED) continue;
    record.state = v1::Buffer::ORPHANED;
    ++orphaned;
  }
  return orphaned;
}

BufferTotals BufferTable::OfHeap(const std::string& heap) const {
  const auto it = totals_.find(heap);
  return it == totals_.end() ? BufferTotals() : it->second;
}

BufferTotals BufferTable::OfClient(uint64_t client_id) const {
  BufferTotals totals;
  for (const auto& [number, record] : records_) {
    if (record.client_id != client_id) continue;
    ++totals.buffers;
    totals.bytes += record.size_bytes;
  }
  return totals;
}

}  // namespace dmaheap

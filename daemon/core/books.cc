#include "daemon/core/books.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace dmaheap {

Books::Books(Executor& executor, const HeapRegistry& heaps, FdStore& store, Journal& journal,
             absl::AnyInvocable<void(const BufferKey&)> on_lease_end)
    : executor_(executor),
      heaps_(heaps),
      store_(store),
      journal_(journal),
      holds_(executor, store, std::move(on_lease_end)) {}

LiveBuffer& Books::Enter(LiveBuffer record) {
  LiveBuffer& entered = table_.Insert(std::move(record));
  trends_.Came(entered.heap, entered.charge.uid(), executor_.Now());
  journal_.Write(entered);
  return entered;
}

absl::Status Books::Hold(LiveBuffer& record, UniqueFd fd, const std::string& token,
                         absl::Duration lease) {
  record.state = v1::Buffer::HELD;
  record.expire_time = executor_.WallTime() + lease;
  record.claim_token = token;
  // First on paper: an fd in the store that no journal knows is nobody's.
  journal_.Write(record);
  return holds_.Hold(record.key, std::move(fd), token, lease);
}

void Books::Deliver(LiveBuffer& record, uint64_t client_id) {
  record.state = v1::Buffer::DELIVERED;
  record.client_id = client_id;
  record.expire_time.reset();
  record.claim_token.clear();
  journal_.Write(record);
  holds_.End(record.key);
}

void Books::TakeOut(const std::vector<BufferKey>& gone) {
  const std::vector<Heap*> heaps = heaps_.heaps();
  for (const BufferKey& key : gone) {
    for (Heap* heap : heaps) heap->Release(key);
    if (const LiveBuffer* record = table_.Find(key)) {
      trends_.Went(record->heap, record->charge.uid(), executor_.Now());
    }
    if (table_.Erase(key)) journal_.Erase(key);
  }
}

RestoreReport Books::Restore(Inventory inventory) {
  RestoreReport report;
  for (JournalEntry& entry : inventory.entries) {
    const BufferKey key = entry.record.key;
    UniqueFd held;
    if (const auto kept = inventory.held.find(key); kept != inventory.held.end()) {
      held = std::move(kept->second);
      inventory.held.erase(kept);
    }
    const bool lost = key.backing == BufferKey::Backing::kDmaBuf ? inventory.dma_buf_watch_lost
                                                                 : inventory.memfd_watch_lost;
    if (lost) {
      report.unwatched.push_back(key);
    } else if (inventory.alive.erase(key) == 0) {
      journal_.Erase(key);
      ++report.gone;
      continue;
    }
    const bool reserved =
        std::any_of(inventory.reservations.begin(), inventory.reservations.end(),
                    [&](const auto& known) { return known.id == entry.record.reservation; });
    RestoreOne(std::move(entry), std::move(held), reserved, report);
  }
  // Fds of no known buffer: nobody could claim them.
  for (const auto& [key, fd] : inventory.held) store_.Remove(HeldFdName(key)).IgnoreError();
  report.unaccounted = static_cast<int>(inventory.alive.size());
  return report;
}

void Books::RestoreOne(JournalEntry entry, UniqueFd held, bool reserved, RestoreReport& report) {
  LiveBuffer& record = entry.record;
  const BufferKey key = record.key;
  record.charge = ledger_.Record(entry.uid, {record.size_bytes, 1});
  // A heap that is no longer configured, or has become smaller, does not make the buffer less real.
  if (absl::StatusOr<Heap*> heap = heaps_.Find(record.heap); heap.ok()) {
    (*heap)->Adopt(key, record.size_bytes).IgnoreError();
  }
  const absl::Duration lease = record.expire_time.has_value()
                                   ? *record.expire_time - executor_.WallTime()
                                   : absl::ZeroDuration();
  const std::string token = record.claim_token;
  const bool claimable = held.valid() && !token.empty();
  if (!reserved) record.reservation = 0;
  const bool ready = reserved && held.valid() && !record.drawn;
  record.state = ready ? v1::Buffer::RESERVED : v1::Buffer::ORPHANED;
  record.expire_time.reset();
  record.claim_token.clear();
  LiveBuffer& entered = Enter(std::move(record));
  ++report.restored;
  if (ready) {
    report.ready_buffers[key] = {std::move(held), key, entered.size_bytes, entered.contiguity};
    return;
  }
  if (!claimable) {
    if (held.valid()) store_.Remove(HeldFdName(key)).IgnoreError();
    return;
  }
  // A lease that ended meanwhile ends as any other does, by its timer.
  if (Hold(entered, std::move(held), token, std::max(lease, absl::ZeroDuration())).ok()) {
    ++report.held;
  } else {
    entered.state = v1::Buffer::ORPHANED;
  }
}

}  // namespace dmaheap

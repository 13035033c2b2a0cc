// A journal that is one map. One thread.

#ifndef DAEMON_CORE_TESTING_FAKE_JOURNAL_H_
#define DAEMON_CORE_TESTING_FAKE_JOURNAL_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/journal.h"

namespace dmaheap {

class FakeJournal : public Journal {
 public:
  void Write(const LiveBuffer& record) override {
    JournalEntry& entry = entries_[record.key];
    entry.uid = record.charge.uid();
    entry.record.key = record.key;
    entry.record.heap = record.heap;
    entry.record.size_bytes = record.size_bytes;
    entry.record.contiguity = record.contiguity;
    entry.record.label = record.label;
    entry.record.request_id = record.request_id;
    entry.record.create_time = record.create_time;
    entry.record.expire_time = record.expire_time;
    entry.record.claim_token = record.claim_token;
    entry.record.reservation = record.reservation;
    entry.record.drawn = record.drawn;
  }
  void Erase(const BufferKey& key) override { entries_.erase(key); }

  void WriteReservation(const ReservationRecord& record) override {
    reservations_[record.id] = record;
  }
  void EraseReservation(uint64_t id) override { reservations_.erase(id); }

  // Buffers and reservations.
  size_t size() const { return entries_.size() + reservations_.size(); }
  const JournalEntry* Find(const BufferKey& key) const {
    const auto it = entries_.find(key);
    return it == entries_.end() ? nullptr : &it->second;
  }
  // What a successor reads.
  std::vector<JournalEntry> TakeEntries() {
    std::vector<JournalEntry> entries;
    for (auto& [key, entry] : std::exchange(entries_, {})) entries.push_back(std::move(entry));
    return entries;
  }
  std::vector<ReservationRecord> TakeReservations() {
    std::vector<ReservationRecord> records;
    for (auto& [id, record] : std::exchange(reservations_, {})) records.push_back(record);
    return records;
  }

 private:
  std::map<BufferKey, JournalEntry> entries_;
  std::map<uint64_t, ReservationRecord> reservations_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_JOURNAL_H_

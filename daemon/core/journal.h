// The books on paper: what a successor of this process needs to go on with them.
//
// Inside tasks of the executor only; a write takes microseconds.

#ifndef DAEMON_CORE_JOURNAL_H_
#define DAEMON_CORE_JOURNAL_H_

#include <cstdint>

#include "daemon/core/live_buffer.h"
#include "daemon/core/reservation_record.h"
#include "heaps/buffer.h"

namespace dmaheap {

// What a predecessor wrote: a record without a charge, and the uid that has to be charged.
struct JournalEntry {
  LiveBuffer record;
  uint32_t uid = 0;
};

class Journal {
 public:
  virtual ~Journal() = default;

  // Puts the record in, or in the place of the one with its key. It survives this process from the
  // moment this returns. Paper that is used up does not stop an allocation: the buffer is charged,
  // but would not be by a successor; the implementation says so in the log.
  virtual void Write(const LiveBuffer& record) = 0;

  // The buffer is gone.
  virtual void Erase(const BufferKey& key) = 0;

  // The same for reservations.
  virtual void WriteReservation(const ReservationRecord& record) = 0;
  virtual void EraseReservation(uint64_t id) = 0;
};

// Where there is no paper: a successor begins with empty books.
class NoJournal : public Journal {
 public:
  void Write(const LiveBuffer&) override {}
  void Erase(const BufferKey&) override {}
  void WriteReservation(const ReservationRecord&) override {}
  void EraseReservation(uint64_t) override {}
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_JOURNAL_H_

// Reservations: buffers that were booked ahead, which of them are ready, and which are drawn.
//
//   Book       a reservation, whose buffers Add makes ready
//   Draw       hands ready ones out; PutBack takes those that did not go out after all
//   OnGone     one ended: its charge stays with the reservation, for another to be made
//   Wants      whether one is to be made now, which the charge of BeginRefill pays for
//   GiveBack   closes ready ones, for a request of a higher priority that lacks room
//
// The fds of ready buffers are kept here and, so that they survive this process, in the store. Who
// makes buffers anew is the caller: on_wanted says when. Inside tasks of the executor only.

#ifndef DAEMON_CORE_RESERVE_H_
#define DAEMON_CORE_RESERVE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/core/books.h"
#include "daemon/core/fd_store.h"
#include "daemon/core/journal.h"
#include "daemon/core/ledger.h"
#include "daemon/core/live_buffer.h"
#include "daemon/core/reservation_record.h"
#include "daemon/loop/executor.h"
#include "dmaheap/v1/resources.pb.h"
#include "heaps/buffer.h"

namespace dmaheap {

struct Reservation {
  ReservationRecord record;
  // For the buffers that do not exist just now.
  Charge charge;
  std::deque<Buffer> ready;
  absl::flat_hash_set<BufferKey> drawn;
  // The session that keeps it; 0: none, and it ends with its lease.
  uint64_t client_id = 0;
  TimerId lease_timer = 0;
  absl::optional<absl::Time> expire_time;
  // One is being made.
  bool refilling = false;
  // Fewer than refill_below existed, and not yet count again.
  bool filling_up = false;
  // Why the last try failed; how long to wait for the next.
  absl::Status last_error;
  absl::Duration refill_backoff;
  TimerId refill_timer = 0;
  absl::Time last_draw = absl::InfinitePast();

  int64_t hits = 0;
  int64_t misses = 0;
  int64_t given_back = 0;
  int64_t refills = 0;
};

v1::Reservation ToProto(const Reservation& reservation);

// Buffers that draws asked for and found ready, and those they did not: of all reservations, also
// those that have ended. They only grow.
struct DrawCounts {
  int64_t hits = 0;
  int64_t misses = 0;
};

class Reserve {
 public:
  using Reservations = std::map<uint64_t, Reservation>;

  struct Callbacks {
    // As a task of its own: this one may want a buffer.
    absl::AnyInvocable<void(uint64_t id)> on_wanted;
    // It ended: what is being made for it is of no use any more.
    absl::AnyInvocable<void(uint64_t id)> on_ended;
    // Ready buffers were closed.
    absl::AnyInvocable<void()> on_closed;
  };
  // All outlive this.
  Reserve(Executor& executor, Books& books, FdStore& store, Journal& journal, Callbacks callbacks);
  ~Reserve();

  // A number that no reservation has had, also of an earlier broker.
  uint64_t NewId();

  // OVERLOADED if the uid has as many as it may.
  absl::Status CheckCount(uint32_t uid) const;
  // Makes a reservation that has no buffers yet, kept by client_id unless that is 0.
  void Book(ReservationRecord record, uint64_t client_id);
  // One more buffer of it is ready. buffer is in the books, with a charge of its own. Fails where
  // the store does not take it: the buffer is closed then, and the reservation as before.
  absl::Status Add(uint64_t id, Buffer buffer);

  // nullptr: there is none, or it is not uid's.
  const Reservation* Find(uint64_t id, uint32_t uid) const;
  // RESERVATION_NOT_FOUND.
  absl::StatusOr<const Reservation*> Get(uint64_t id, uint32_t uid) const;

  // Of a request that draws: how many were ready, and how many were not.
  void Count(uint64_t id, int hits, int misses);
  const DrawCounts& draws() const { return draws_; }
  // Up to count ready buffers, which count as drawn from now on.
  std::vector<Buffer> Draw(uint64_t id, int count);
  // Before the fd of a drawn one goes out to that session: nobody else may get it from then on,
  // whatever becomes of this process.
  void OnGoesOut(LiveBuffer& record, uint64_t client_id);
  // A buffer that a draw got from the heap takes the place of one that was to be made again, if
  // any was.
  void Adopt(uint64_t id, LiveBuffer& record);
  // Takes the drawn buffers that did not go out out of buffers. They are ready again, or closed if
  // their reservation ended meanwhile.
  void PutBack(std::vector<Buffer>& buffers);

  // The memory of a buffer is gone; the record is still in the books.
  void OnGone(LiveBuffer& record);

  // Asks on_wanted if it wants a buffer. Nothing for one that ended.
  void Look(uint64_t id);
  // Whether a buffer is to be made now: none is being made, and it does not wait after a failure.
  static bool Wants(const Reservation& reservation);
  // The charge of one buffer, which is being made from now on.
  Charge BeginRefill(uint64_t id);
  // It is there (Add was called for it), or it is not. What is left of the charge comes back.
  void EndRefill(uint64_t id, Charge charge, const absl::Status& status);

  // Closes ready buffers worth bytes, or as many as there are, of reservations of the heap (by its
  // own name) below priority: of the lowest first, then of the one whose last draw is the longest
  // ago. How many bytes.
  int64_t GiveBack(const std::string& heap, int priority, int64_t bytes);

  // That session keeps it from now on. 0: none does, and the lease begins anew.
  void Keep(uint64_t id, uint64_t client_id);
  void OnClientGone(uint64_t client_id);
  // Ends it: what is ready is closed, what is drawn belongs to whoever has it.
  void Delete(uint64_t id);

  // Goes on where an earlier broker stopped. ready: the buffers that nobody drew. Before all else.
  void Restore(std::vector<ReservationRecord> records, std::map<BufferKey, Buffer> ready);

  const Reservations& reservations() const { return reservations_; }

 private:
  void StartLease(Reservation& reservation);
  void StopLease(Reservation& reservation);
  void Close(Buffer buffer);
  void WaitToRefill(Reservation& reservation);
  void Look(Reservation& reservation);

  Executor& executor_;
  Books& books_;
  FdStore& store_;
  Journal& journal_;
  Callbacks callbacks_;
  uint64_t last_id_ = 0;
  DrawCounts draws_;
  Reservations reservations_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_RESERVE_H_

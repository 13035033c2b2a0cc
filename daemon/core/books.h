// The books: which buffers exist, who is charged, which are held, kept equal on four pages:
// the table with its charges, the holds, the heaps' own count and the journal.
//
// Inside tasks of the executor only.

#ifndef DAEMON_CORE_BOOKS_H_
#define DAEMON_CORE_BOOKS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "daemon/core/buffer_table.h"
#include "daemon/core/fd_store.h"
#include "daemon/core/holder_trends.h"
#include "daemon/core/holds.h"
#include "daemon/core/journal.h"
#include "daemon/core/ledger.h"
#include "daemon/core/reservation_record.h"
#include "daemon/loop/executor.h"
#include "heaps/buffer.h"
#include "heaps/registry.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// What an earlier broker of this boot left.
struct Inventory {
  std::vector<JournalEntry> entries;
  // What the inherited watches say is alive.
  absl::flat_hash_set<BufferKey> alive;
  // Where no watch was inherited, what is alive has still to be found out.
  bool dma_buf_watch_lost = false;
  bool memfd_watch_lost = false;
  // The fds of held buffers, and of those that reservations have ready.
  std::map<BufferKey, UniqueFd> held;
  std::vector<ReservationRecord> reservations = {};
};

// What became of it.
struct RestoreReport {
  int restored = 0;
  // Of those, still held for a claimer.
  int held = 0;
  // Their memory went while there was no broker.
  int gone = 0;
  // Alive, but in no journal: nobody is charged for them.
  int unaccounted = 0;
  // Of those, ready in their reservations, for Reserve to take.
  int ready = 0;
  std::map<BufferKey, Buffer> ready_buffers;
  int reservations = 0;
  // Of the restored, those that no watch tells of.
  std::vector<BufferKey> unwatched;
};

class Books {
 public:
  // All outlive the books. on_lease_end is called as a task after a held buffer's fd was closed.
  Books(Executor& executor, const HeapRegistry& heaps, FdStore& store, Journal& journal,
        absl::AnyInvocable<void(const BufferKey&)> on_lease_end);

  // A buffer before anybody gets it. Its charge comes with it.
  LiveBuffer& Enter(LiveBuffer record);
  // Keeps the fd of an entered buffer for lease, for whoever has the token. See Holds::Hold.
  absl::Status Hold(LiveBuffer& record, UniqueFd fd, const std::string& token,
                    absl::Duration lease);
  // A held buffer went to a session of its charge's uid.
  void Deliver(LiveBuffer& record, uint64_t client_id);
  // The memory of these is gone.
  void TakeOut(const std::vector<BufferKey>& gone);
  // What that session got is orphaned; how many there were.
  int OrphanClient(uint64_t client_id) { return table_.OrphanClient(client_id); }

  // Goes on where an earlier broker stopped: what is alive is charged again and, but for what is
  // held, an orphan. Before anything else.
  RestoreReport Restore(Inventory inventory);

  // nullptr if there is none.
  LiveBuffer* Find(const BufferKey& key) { return table_.Find(key); }
  const BufferTable& table() const { return table_; }
  const HolderTrends& trends() const { return trends_; }
  Ledger& ledger() { return ledger_; }
  const Ledger& ledger() const { return ledger_; }
  Holds& holds() { return holds_; }

 private:
  void RestoreOne(JournalEntry entry, UniqueFd held, bool reserved, RestoreReport& report);

  Executor& executor_;
  const HeapRegistry& heaps_;
  FdStore& store_;
  Journal& journal_;
  Ledger ledger_;
  BufferTable table_;
  HolderTrends trends_;
  Holds holds_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_BOOKS_H_

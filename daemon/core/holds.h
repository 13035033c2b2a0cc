// Held buffers: fds that the daemon keeps for a caller without an fd channel, until somebody claims
// them with the token or the lease ends.
//
// The only fds of buffers that the daemon has outside an allocation. Inside tasks of the executor
// only.

#ifndef DAEMON_CORE_HOLDS_H_
#define DAEMON_CORE_HOLDS_H_

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/core/fd_store.h"
#include "daemon/loop/executor.h"
#include "heaps/buffer.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class Holds {
 public:
  // on_expired is called as a task after a lease ended and the fds were closed.
  Holds(Executor& executor, FdStore& store, absl::AnyInvocable<void(const BufferKey&)> on_expired)
      : executor_(executor), store_(store), on_expired_(std::move(on_expired)) {}
  ~Holds();

  // Keeps fd for lease. Fails, and closes fd, if the store does not take it: a held buffer must not
  // depend on this process alone.
  absl::Status Hold(const BufferKey& key, UniqueFd fd, std::string token, absl::Duration lease);

  // The fd (borrowed) of a held buffer, for whoever has the token. BUFFER_NOT_FOUND: not held, or
  // another token; the two look alike, so that nobody can search for buffers. LEASE_EXPIRED: it
  // was.
  absl::StatusOr<int> Borrow(const BufferKey& key, absl::string_view token) const;

  // Ends a hold without its token: claimed, or released by its owner. Closes the daemon's fd.
  void End(const BufferKey& key);

  bool Has(const BufferKey& key) const { return holds_.contains(key); }

 private:
  struct Entry {
    UniqueFd fd;
    std::string token;
    TimerId timer = 0;
  };

  Executor& executor_;
  FdStore& store_;
  absl::AnyInvocable<void(const BufferKey&)> on_expired_;
  std::map<BufferKey, Entry> holds_;
  // The tokens of the last leases that ended, so that a late claimer learns why.
  std::deque<std::pair<BufferKey, std::string>> expired_;
};

// The name under which a held buffer is kept in the store.
std::string HeldFdName(const BufferKey& key);

}  // namespace dmaheap

#endif  // DAEMON_CORE_HOLDS_H_

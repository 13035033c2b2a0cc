// The fds that outlive a broker: held buffers, watches, whatever it asks its keeper to remember.
//
// Entries have names, several may share one, and come back to the next broker in the order in which
// they were stored. Bounded. Owns its fds. Not thread-safe.

#ifndef DAEMON_KEEPER_FD_STORE_H_
#define DAEMON_KEEPER_FD_STORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct FdStoreLimits {
  // Half of the broker's RLIMIT_NOFILE of 8192: it gets them all at its start and needs as many
  // again to serve.
  size_t fds = 4096;
  // All names together travel in one environment string, which the kernel limits to 32 pages
  // (MAX_ARG_STRLEN of binfmts.h, 131072 bytes); 8 KiB are left to the names of heaps and sockets.
  size_t name_bytes = 131072 - 8192;
};

class FdStore {
 public:
  struct Entry {
    std::string name;
    UniqueFd fd;
  };

  explicit FdStore(FdStoreLimits limits = {}) : limits_(limits) {}

  // Keeps all fds under name, or none. An open file that is already kept under this name is not
  // kept twice. RESOURCE_EXHAUSTED, naming the limit, when there is no room.
  absl::Status Add(absl::string_view name, std::vector<UniqueFd> fds);

  // Closes every fd of that name; how many there were.
  size_t Remove(absl::string_view name);

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  FdStoreLimits limits_;
  // The names with their separators.
  size_t name_bytes_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_FD_STORE_H_

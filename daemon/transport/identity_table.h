// Which RPC connection is whose. gRPC tells a handler no credentials, but of a connection that it
// was given as fd N its ServerContext says "fd:N".
//
// A number may be used again when gRPC has closed it; so every entry has a generation, and whoever
// learns late that a connection ended erases only that one. Thread-safe.

#ifndef DAEMON_TRANSPORT_IDENTITY_TABLE_H_
#define DAEMON_TRANSPORT_IDENTITY_TABLE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/transport/peer.h"

namespace dmaheap {

class IdentityTable {
 public:
  // Before the fd is given to gRPC. The generation is for Erase.
  uint64_t Insert(int fd, PeerIdentity identity);

  void Erase(int fd, uint64_t generation);

  // peer is what ServerContext::peer() says. UNAUTHENTICATED (SESSION_UNKNOWN) for a connection
  // that ended, or that did not come through the daemon's own accept.
  absl::StatusOr<std::shared_ptr<const PeerIdentity>> Find(absl::string_view peer) const;

  size_t size() const;

 private:
  struct Entry {
    uint64_t generation;
    std::shared_ptr<const PeerIdentity> identity;
  };
  mutable std::mutex mutex_;
  uint64_t next_generation_ = 1;
  absl::flat_hash_map<int, Entry> entries_;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_IDENTITY_TABLE_H_

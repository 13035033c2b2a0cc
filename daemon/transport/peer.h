// Who is at the other end of a Unix socket, by the kernel's word.
//
// The credentials are those of the moment of connect(2). They say who connected, not who holds the
// socket now: uid, gid, groups and label authorise; the pid is for log lines.

#ifndef DAEMON_TRANSPORT_PEER_H_
#define DAEMON_TRANSPORT_PEER_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "daemon/config/effective_policy.h"

namespace dmaheap {

struct PeerIdentity {
  Principal principal;
  // For reading only: it may be recycled.
  pid_t debug_pid = 0;
  // SO_PEERSEC; empty without a security module that labels sockets.
  std::string label;
};

// SO_PEERCRED, SO_PEERGROUPS and SO_PEERSEC of a connected Unix socket (unix(7), socket(7)). Errors
// carry the errno.
absl::StatusOr<PeerIdentity> ReadPeerIdentity(int socket);

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_PEER_H_

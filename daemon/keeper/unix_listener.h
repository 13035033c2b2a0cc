// Binds a listening Unix socket to a path, in the place of a dead one but never of a live one.

#ifndef DAEMON_KEEPER_UNIX_LISTENER_H_
#define DAEMON_KEEPER_UNIX_LISTENER_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct ListenerSpec {
  std::string path;
  // SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM.
  int type = 0;
  mode_t mode = 0;
  // The path gets this owner and group; absent: as bind(2) left them.
  absl::optional<uid_t> owner;
  absl::optional<gid_t> group;
  // How long a live socket at the path is given to go away: the broker of a daemon that was just
  // killed takes a moment to die.
  absl::Duration patience = absl::ZeroDuration();
};

// A non-blocking socket, O_CLOEXEC, bound to the path with exactly that mode, and listening unless
// it is a SOCK_DGRAM one. Fails with
//   OUT_OF_RANGE         the path does not fit into a socket address (unix(7): 107 bytes)
//   ALREADY_EXISTS       a live socket is there: somebody accepts on it
//   FAILED_PRECONDITION  something that is no socket is there
// or with the errno of the call that failed.
absl::StatusOr<UniqueFd> BindUnixSocket(const ListenerSpec& spec);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_UNIX_LISTENER_H_

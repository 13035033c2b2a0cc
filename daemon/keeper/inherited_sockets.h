// Listening sockets that the service manager bound for us.
//
//   systemd       LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES (sd_listen_fds(3)); FileDescriptorName= of
//                 the socket units is rpc, fd and admin
//   Android init  "socket dmaheapd_rpc stream ..." in the .rc file puts the fd's number into
//                 ANDROID_SOCKET_dmaheapd_rpc; such a socket is bound, and we listen on it

#ifndef DAEMON_KEEPER_INHERITED_SOCKETS_H_
#define DAEMON_KEEPER_INHERITED_SOCKETS_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// A socket that we know to use.
struct SocketRole {
  // "rpc", "fd", "admin".
  absl::string_view name;
  int type = 0;
};

// The sockets that were handed over, by name of their role: listening, non-blocking, O_CLOEXEC.
// Takes them out of the environment, so that no child believes they are its own. Called once,
// before anything else opens a fd. An fd of an unknown name is closed and logged.
// FAILED_PRECONDITION for one that is no listening Unix socket of the role's type; errors of the
// system carry the errno.
absl::StatusOr<std::map<std::string, UniqueFd>> TakeInheritedSockets(
    absl::Span<const SocketRole> roles);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_INHERITED_SOCKETS_H_

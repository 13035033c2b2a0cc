// Connects to a Unix socket of the daemon.
//
// Does not block: a Unix socket connects at once or not at all. The fd is the caller's, O_CLOEXEC
// and non-blocking. Thread-safe.

#ifndef CLIENT_INTERNAL_UNIX_CONNECT_H_
#define CLIENT_INTERNAL_UNIX_CONNECT_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

// type: SOCK_STREAM or SOCK_SEQPACKET. kUnavailable DAEMON_UNREACHABLE: nobody listens there, or
// (EAGAIN) its backlog is full. kPermissionDenied ACCESS_DENIED. kInvalidArgument: the path does
// not fit a socket.
absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path, int type);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_UNIX_CONNECT_H_

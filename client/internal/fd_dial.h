// Opens the fd channel: connect, Hello, Welcome.
//
// Blocks until the outcome or the deadline. The socket of a DialedChannel is owned by it, O_CLOEXEC
// and non-blocking. Thread-safe.

#ifndef CLIENT_INTERNAL_FD_DIAL_H_
#define CLIENT_INTERNAL_FD_DIAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/internal/deadline.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

struct DialedChannel {
  UniqueFd socket;
  v1::Welcome welcome;
};

// kUnavailable DAEMON_UNREACHABLE: nobody listens, or nobody answers in time. kPermissionDenied
// ACCESS_DENIED: the socket is not for this user. kFailedPrecondition WIRE_VERSION_UNSUPPORTED: no
// version in common. Else the daemon's own refusal.
// gives_back: the daemon may ask this client for memory.
absl::StatusOr<DialedChannel> DialFdChannel(const std::string& socket_path,
                                            const std::string& label, bool gives_back,
                                            const Deadline& deadline);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_FD_DIAL_H_

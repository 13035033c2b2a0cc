// The errors of a daemon that can not be reached, or not be understood. Pure functions.

#ifndef CLIENT_INTERNAL_UNREACHABLE_H_
#define CLIENT_INTERNAL_UNREACHABLE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dmaheap::client_internal {

// connect(2) on socket_path failed with error_number: says what that means of the daemon, and what
// to do. EACCES and EPERM become ACCESS_DENIED, everything else DAEMON_UNREACHABLE.
absl::Status ConnectError(absl::string_view socket_path, int error_number);

// It let us connect but said nothing for so long.
absl::Status SilentDaemonError(absl::string_view socket_path, absl::Duration waited);

// It closed the connection in the middle of the handshake.
absl::Status HandshakeClosedError(absl::string_view socket_path);

// The versions that this library speaks against the daemon's; 0 where the daemon did not tell. Says
// which side to update.
absl::Status WireVersionError(int daemon_min, int daemon_max, absl::string_view daemon_version);

// The daemon's refusal of a Hello as the caller should see it: one about versions gets the numbers
// of both sides, anything else is passed on.
absl::Status ExplainRefusal(const absl::Status& refusal);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_UNREACHABLE_H_

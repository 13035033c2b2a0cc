// What the library does about a failed call, before its caller hears of it. Pure functions.

#ifndef CLIENT_INTERNAL_RECOVERY_H_
#define CLIENT_INTERNAL_RECOVERY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dmaheap::client_internal {

enum class Recovery {
  // The caller's to decide.
  kNone,
  // The daemon went away, or lost the connection: drain, reconnect, repeat.
  kReconnect,
  // The daemon does not know our session any more: a new one, repeat.
  kNewSession,
  // It waits for acknowledgements that are on their way: repeat shortly.
  kRepeat,
};

// session_ended: the fd channel of the call has been closed by the daemon.
Recovery RecoveryFor(const absl::Status& status, bool session_ended);

// Whether a failed connect may succeed if tried again.
bool WorthRedialing(const absl::Status& status);

// The error as the caller sees it. Errors that gRPC made by itself, without the daemon, get a
// reason, details and a text that says what to do; the daemon's pass unchanged. call: the name of
// the method, for a daemon that has none of that name.
absl::Status Explain(const absl::Status& status, absl::string_view socket_path,
                     absl::Duration deadline, absl::string_view call = "this call");

// The error of a draw that left the fields left_out to the reservation. A daemon that misses one of
// them does not know reservations: kUnimplemented, with a text that says so. Any other error
// passes.
absl::Status ExplainDraw(const absl::Status& status, const std::vector<std::string>& left_out,
                         absl::string_view socket_path);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_RECOVERY_H_

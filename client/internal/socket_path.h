// Where the daemon's sockets are. Pure functions but for the environment.

#ifndef CLIENT_INTERNAL_SOCKET_PATH_H_
#define CLIENT_INTERNAL_SOCKET_PATH_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dmaheap::client_internal {

inline constexpr char kSocketDirVariable[] = "DMAHEAPD_SOCKET_DIR";

// What was asked for, else the environment variable, else /run/dmaheapd.
std::string ResolveSocketDir(absl::string_view asked);

std::string SocketPath(absl::string_view dir, absl::string_view name);

// kInvalidArgument for a path that does not fit sockaddr_un (unix(7): 108 bytes with the
// terminator).
absl::Status CheckSocketPath(absl::string_view path);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_SOCKET_PATH_H_

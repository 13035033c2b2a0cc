#include "client/internal/socket_path.h"

#include <sys/un.h>

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap::client_internal {

std::string ResolveSocketDir(absl::string_view asked) {
  if (!asked.empty()) return std::string(asked);
  const char* variable = getenv(kSocketDirVariable);
  if (variable != nullptr && *variable != '\0') return variable;
  return std::string(kDefaultSocketDir);
}

std::string SocketPath(absl::string_view dir, absl::string_view name) {
  return absl::StrCat(dir, absl::EndsWith(dir, "/") ? "" : "/", name);
}

absl::Status CheckSocketPath(absl::string_view path) {
  constexpr size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() <= kLongest) return absl::OkStatus();
  return Error(ErrorReason::INVALID_NAME,
               absl::StrCat("socket path ", path, " has ", path.size(), " bytes and at most ",
                            kLongest, " fit a Unix socket; use a shorter socket_dir"))
      .With("socket_path", path)
      .Field("socket_dir", absl::StrCat("the path below it must fit ", kLongest, " bytes"));
}

}  // namespace dmaheap::client_internal

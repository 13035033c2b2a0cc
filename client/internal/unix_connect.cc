#include "client/internal/unix_connect.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "client/internal/socket_path.h"
#include "client/internal/unreachable.h"

namespace dmaheap::client_internal {

absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path, int type) {
  if (absl::Status fits = CheckSocketPath(path); !fits.ok()) return fits;
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ConnectError(path, errno);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  int result;
  do {
    result = connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ConnectError(path, errno);
  return fd;
}

}  // namespace dmaheap::client_internal

#include "daemon/keeper/unix_listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// While waiting for a live socket to go away.
constexpr absl::Duration kPollInterval = absl::Milliseconds(10);

absl::StatusOr<sockaddr_un> Address(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::OutOfRangeError(
        absl::StrCat("socket path ", path, " has ", path.size(), " bytes; the kernel takes 1 to ",
                     sizeof(address.sun_path) - 1, " (unix(7)). Use a shorter --socket-dir"));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

absl::StatusOr<UniqueFd> Socket(int type) {
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket(AF_UNIX)");
  return fd;
}

// Whether somebody serves the socket at that path. unix(7): ECONNREFUSED and ENOENT mean nobody; a
// full backlog (EAGAIN) or another type (EPROTOTYPE) mean somebody.
absl::StatusOr<bool> IsLive(const sockaddr_un& address, int type) {
  absl::StatusOr<UniqueFd> probe = Socket(type);
  if (!probe.ok()) return probe.status();
  if (connect(probe->get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return true;
  }
  if (errno == ECONNREFUSED || errno == ENOENT) return false;
  if (errno == EAGAIN || errno == EPROTOTYPE || errno == EINPROGRESS) return true;
  return ErrnoStatus(errno, absl::StrCat("trying whether ", address.sun_path, " is in use"));
}

// Makes the path free for us.
absl::Status ClearPath(const ListenerSpec& spec, const sockaddr_un& address) {
  struct stat status;
  if (lstat(spec.path.c_str(), &status) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat("looking at ", spec.path));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(
        spec.path, " is there and is no socket. Remove it, or use another --socket-dir"));
  }
  const absl::Time until = absl::Now() + spec.patience;
  while (true) {
    const absl::StatusOr<bool> live = IsLive(address, spec.type);
    if (!live.ok()) return live.status();
    if (!*live) break;
    if (absl::Now() >= until) {
      return absl::AlreadyExistsError(
          absl::StrCat("a live process serves ", spec.path,
                       " (find it with: ss -xlp). Stop it, or use another --socket-dir"));
    }
    absl::SleepFor(kPollInterval);
  }
  if (unlink(spec.path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, absl::StrCat("removing the dead socket ", spec.path));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UniqueFd> BindUnixSocket(const ListenerSpec& spec) {
  const absl::StatusOr<sockaddr_un> address = Address(spec.path);
  if (!address.ok()) return address.status();
  absl::StatusOr<UniqueFd> fd = Socket(spec.type);
  if (!fd.ok()) return fd;
  if (absl::Status status = ClearPath(spec, *address); !status.ok()) return status;

  // bind(2) gives the path 0777 less the umask: strict until the owner is right.
  const mode_t old_umask = umask(0777);
  const int bound = bind(fd->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address));
  const int error = errno;
  umask(old_umask);
  if (bound != 0) return ErrnoStatus(error, absl::StrCat("binding ", spec.path));

  constexpr uid_t kUnchanged = static_cast<uid_t>(-1);
  if ((spec.owner.has_value() || spec.group.has_value()) &&
      lchown(spec.path.c_str(), spec.owner.value_or(kUnchanged), spec.group.value_or(kUnchanged)) !=
          0) {
    return ErrnoStatus(errno, absl::StrCat("chown of ", spec.path));
  }
  // Listening first: who can connect by the mode is then served.
  if (spec.type != SOCK_DGRAM && listen(fd->get(), SOMAXCONN) != 0) {
    return ErrnoStatus(errno, absl::StrCat("listening on ", spec.path));
  }
  if (chmod(spec.path.c_str(), spec.mode) != 0) {
    return ErrnoStatus(errno, absl::StrCat("chmod of ", spec.path));
  }
  return fd;
}

}  // namespace dmaheap

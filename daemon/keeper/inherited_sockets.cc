#include "daemon/keeper/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// sd_is_socket_unix(3): -1 means "listening or not".
enum class Listening { kAlready = 1, kEither = -1 };

absl::Status CheckSocket(int fd, const SocketRole& role, Listening listening) {
  const int fits =
      sd_is_socket_unix(fd, role.type, static_cast<int>(listening), /*path=*/nullptr, 0);
  if (fits < 0)
    return ErrnoStatus(-fits, absl::StrCat("checking the socket handed in as ", role.name));
  if (fits == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("fd ", fd, ", handed in as ", role.name, ", is no ",
                     listening == Listening::kAlready ? "listening " : "", "Unix socket of type ",
                     role.type == SOCK_STREAM ? "SOCK_STREAM" : "SOCK_SEQPACKET",
                     ". Correct the socket unit, or the .rc file"));
  }
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return ErrnoStatus(errno, "fcntl(F_SETFD)");
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno,
                       absl::StrCat("making the socket handed in as ", role.name, " non-blocking"));
  }
  return absl::OkStatus();
}

absl::Status TakeFromSystemd(absl::Span<const SocketRole> roles,
                             std::map<std::string, UniqueFd>& sockets) {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  if (count < 0) return ErrnoStatus(-count, "sd_listen_fds_with_names");
  std::vector<std::pair<std::string, UniqueFd>> all;
  for (int i = 0; i < count; ++i) {
    all.emplace_back(names[i], UniqueFd(SD_LISTEN_FDS_START + i));
    free(names[i]);
  }
  free(names);
  for (auto& handed : all) {
    const std::string& name = handed.first;
    UniqueFd& fd = handed.second;
    const auto role = std::find_if(roles.begin(), roles.end(),
                                   [&](const SocketRole& known) { return known.name == name; });
    if (role == roles.end()) {
      spdlog::warn(
          "event=unknown_fd_handed_in name={} fd={} note=\"closed; known are rpc, fd, admin\"",
          LogValue(name), fd.get());
      continue;
    }
    if (absl::Status status = CheckSocket(fd.get(), *role, Listening::kAlready); !status.ok()) {
      return status;
    }
    sockets[name] = std::move(fd);
  }
  return absl::OkStatus();
}

absl::Status TakeFromAndroid(absl::Span<const SocketRole> roles,
                             std::map<std::string, UniqueFd>& sockets) {
  for (const SocketRole& role : roles) {
    const std::string variable = absl::StrCat("ANDROID_SOCKET_dmaheapd_", role.name);
    const char* value = getenv(variable.c_str());
    if (value == nullptr) continue;
    int number = -1;
    if (!absl::SimpleAtoi(value, &number) || fcntl(number, F_GETFD) < 0) {
      return absl::FailedPreconditionError(
          absl::StrCat(variable, "=", LogValue(value), " is no open fd"));
    }
    UniqueFd fd(number);
    unsetenv(variable.c_str());
    if (absl::Status status = CheckSocket(fd.get(), role, Listening::kEither); !status.ok()) {
      return status;
    }
    if (listen(fd.get(), SOMAXCONN) != 0) {
      return ErrnoStatus(errno, absl::StrCat("listening on the socket of ", variable));
    }
    sockets[std::string(role.name)] = std::move(fd);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::map<std::string, UniqueFd>> TakeInheritedSockets(
    absl::Span<const SocketRole> roles) {
  std::map<std::string, UniqueFd> sockets;
  if (absl::Status status = TakeFromSystemd(roles, sockets); !status.ok()) return status;
  if (absl::Status status = TakeFromAndroid(roles, sockets); !status.ok()) return status;
  return sockets;
}

}  // namespace dmaheap

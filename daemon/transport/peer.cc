#include "daemon/transport/peer.h"

#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// Labels of SELinux policies stay far below this.
constexpr size_t kMaxLabelOfPeer = 4096;

absl::StatusOr<std::vector<uint32_t>> ReadGroups(int socket) {
  std::vector<uint32_t> groups(32);
  while (true) {
    socklen_t length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0) {
      groups.resize(length / sizeof(gid_t));
      return groups;
    }
    if (errno == ENODATA || errno == ENOPROTOOPT) return std::vector<uint32_t>();
    // ERANGE: length now says how much there is (at most NGROUPS_MAX).
    if (errno != ERANGE) return ErrnoStatus(errno, "SO_PEERGROUPS");
    groups.resize(length / sizeof(gid_t));
  }
}

std::string ReadLabel(int socket) {
  std::string label(256, '\0');
  while (true) {
    socklen_t length = static_cast<socklen_t>(label.size());
    if (getsockopt(socket, SOL_SOCKET, SO_PEERSEC, label.data(), &length) == 0) {
      label.resize(length);
      while (!label.empty() && label.back() == '\0') label.pop_back();
      return label;
    }
    if (errno != ERANGE || length <= label.size() || length > kMaxLabelOfPeer) return "";
    label.resize(length);
  }
}

}  // namespace

absl::StatusOr<PeerIdentity> ReadPeerIdentity(int socket) {
  ucred credentials = {};
  socklen_t length = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return ErrnoStatus(errno, "SO_PEERCRED");
  }
  absl::StatusOr<std::vector<uint32_t>> groups = ReadGroups(socket);
  if (!groups.ok()) return groups.status();
  PeerIdentity peer;
  peer.principal.uid = credentials.uid;
  peer.principal.gid = credentials.gid;
  peer.principal.groups = *std::move(groups);
  peer.debug_pid = credentials.pid;
  peer.label = ReadLabel(socket);
  return peer;
}

}  // namespace dmaheap

#include "proto/fd_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// SCM_MAX_FD of the kernel (include/net/scm.h).
constexpr size_t kScmMaxFds = 253;

// Room for the fds of one datagram and for its sender, which the kernel writes first
// (net/core/scm.c, scm_recv).
constexpr size_t kFdControlBytes = CMSG_SPACE(kScmMaxFds * sizeof(int));
constexpr size_t kSenderControlBytes = CMSG_SPACE(sizeof(ucred));

// A datagram of at most so many bytes is received on the stack; all those of the fd channel are.
constexpr size_t kShortBytes = 8192;

// How reading until nothing is left ends each time: made once.
absl::Status NothingThere() {
  static const absl::Status& status = *new absl::Status(ErrnoStatus(EAGAIN, "recvmsg"));
  return status;
}

void TakeFds(const cmsghdr* header, Datagram& datagram) {
  const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int fd;
    memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
    datagram.fds.emplace_back(fd);
  }
}

void TakeSender(const cmsghdr* header, Datagram& datagram) {
  ucred sender;
  if (header->cmsg_len < CMSG_LEN(sizeof(sender))) return;
  memcpy(&sender, CMSG_DATA(header), sizeof(sender));
  datagram.sender = DatagramSender{.pid = sender.pid, .uid = sender.uid, .gid = sender.gid};
}

// sender_bytes is the room for the sender, none or kSenderControlBytes.
absl::StatusOr<Datagram> Receive(int socket, size_t max_bytes, int max_fds, size_t sender_bytes) {
  Datagram datagram;
  // Nearly all datagrams are far shorter than the longest: they are received here and copied.
  char short_bytes[kShortBytes];
  const bool fits = max_bytes <= sizeof(short_bytes);
  if (!fits) datagram.bytes.resize(max_bytes);
  iovec part = {.iov_base = fits ? short_bytes : datagram.bytes.data(), .iov_len = max_bytes};
  alignas(cmsghdr) char control[kFdControlBytes + kSenderControlBytes];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const size_t fd_bytes = max_fds > 0 ? CMSG_SPACE(static_cast<size_t>(max_fds) * sizeof(int)) : 0;
  message.msg_controllen = sender_bytes + std::min(fd_bytes, kFdControlBytes);
  if (message.msg_controllen > 0) message.msg_control = control;
  ssize_t received;
  do {
    received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0 && errno == EAGAIN) return NothingThere();
  if (received < 0) return ErrnoStatus(errno, "recvmsg");

  // Take ownership of every fd before anything can return.
  if (message.msg_controllen > 0) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET) continue;
      if (header->cmsg_type == SCM_RIGHTS) TakeFds(header, datagram);
      if (header->cmsg_type == SCM_CREDENTIALS) TakeSender(header, datagram);
    }
  }
  if (fits) {
    datagram.bytes.assign(short_bytes, static_cast<size_t>(received));
  } else {
    datagram.bytes.resize(static_cast<size_t>(received));
  }
  datagram.fds_truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  datagram.bytes_truncated = (message.msg_flags & MSG_TRUNC) != 0;
  // An empty SEQPACKET datagram looks like the end; nobody in this protocol sends one.
  datagram.end_of_stream = received == 0 && datagram.fds.empty() && !datagram.fds_truncated;
  return datagram;
}

}  // namespace

absl::Status SendDatagram(int socket, absl::string_view bytes, absl::Span<const int> fds) {
  if (fds.size() > kScmMaxFds) return ErrnoStatus(EINVAL, "too many fds in one datagram");
  iovec part = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kScmMaxFds * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    const size_t payload = fds.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(payload);
    memset(control, 0, message.msg_controllen);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(payload);
    memcpy(CMSG_DATA(header), fds.data(), payload);
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return ErrnoStatus(errno, "sendmsg");
  return absl::OkStatus();
}

absl::StatusOr<Datagram> ReceiveDatagram(int socket, size_t max_bytes, int max_fds) {
  return Receive(socket, max_bytes, max_fds, 0);
}

absl::StatusOr<Datagram> ReceiveDatagramWithSender(int socket, size_t max_bytes, int max_fds) {
  return Receive(socket, max_bytes, max_fds, kSenderControlBytes);
}

}  // namespace dmaheap

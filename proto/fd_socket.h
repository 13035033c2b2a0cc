// Datagrams with file descriptors over a connected Unix socket: the only SCM_RIGHTS code in the
// tree.
//
// Works on SOCK_SEQPACKET and SOCK_DGRAM. A message and its fds arrive together or not at all,
// unless the receiver has no room for the fds: then the datagram says so (fds_truncated) and what
// did arrive is owned by it. Thread-safe as the system calls are: one thread should receive.

#ifndef PROTO_FD_SOCKET_H_
#define PROTO_FD_SOCKET_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// Who sent a datagram, by the kernel's word (SCM_CREDENTIALS, unix(7)). Only a sender with
// CAP_SYS_ADMIN can name another pid than its own.
struct DatagramSender {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Datagram {
  std::string bytes;
  // Owned, O_CLOEXEC.
  std::vector<UniqueFd> fds;
  // The kernel dropped fds (MSG_CTRUNC): no number left (RLIMIT_NOFILE), no permission to hold them
  // (SELinux fd { use }), or more than were expected.
  bool fds_truncated = false;
  // The datagram was longer than max_bytes (MSG_TRUNC).
  bool bytes_truncated = false;
  // The peer closed (a read of nothing with nothing beside it). bytes and fds are empty.
  bool end_of_stream = false;
  // Only from ReceiveDatagramWithSender.
  absl::optional<DatagramSender> sender;
};

// Sends bytes with fds as one datagram, without blocking and without SIGPIPE. Borrows the fds.
// Errors carry the errno (GetErrno of proto/errno_status.h): EAGAIN the socket buffer is full;
// EPIPE, ECONNRESET the peer is gone; ETOOMANYREFS too many fds of this uid are in flight
// (unix(7)).
absl::Status SendDatagram(int socket, absl::string_view bytes, absl::Span<const int> fds);

// Receives one datagram. Blocks if the socket does. EINTR is retried.
// max_fds 0 offers the kernel no room for fds: any that the peer sends are discarded by the kernel,
// and fds_truncated tells of it.
// Errors carry the errno: EAGAIN nothing there; ECONNRESET the peer is gone with our bytes unread.
absl::StatusOr<Datagram> ReceiveDatagram(int socket, size_t max_bytes, int max_fds);

// The same on a socket with the option SO_PASSCRED, which makes the kernel add the sender. A
// datagram that was sent before the option was set has none.
absl::StatusOr<Datagram> ReceiveDatagramWithSender(int socket, size_t max_bytes, int max_fds);

}  // namespace dmaheap

#endif  // PROTO_FD_SOCKET_H_

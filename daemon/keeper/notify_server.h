// The socket on which the keeper hears its broker: the other end of sd_notify(3).
//
// Only the broker is believed, by the kernel's word on the pid of the sender; the path is open to
// its account alone (mode 0600). Nothing here blocks. Not thread-safe.

#ifndef DAEMON_KEEPER_NOTIFY_SERVER_H_
#define DAEMON_KEEPER_NOTIFY_SERVER_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "daemon/keeper/account.h"
#include "daemon/keeper/notify_message.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct Notification {
  NotifyMessage message;
  // Owned; only where the message stores them, or is a barrier.
  std::vector<UniqueFd> fds;
};

class NotifyServer {
 public:
  // Binds path. Errors as BindUnixSocket's.
  static absl::StatusOr<NotifyServer> Create(const std::string& path, const Account& account);

  // The next message of the process broker; absent when there is none now. An error tells why a
  // datagram was dropped (its fds are closed); there may be more behind it.
  absl::StatusOr<absl::optional<Notification>> Receive(pid_t broker);

  // Readable when Receive has something. Borrowed.
  int fd() const { return socket_.get(); }

 private:
  explicit NotifyServer(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_NOTIFY_SERVER_H_

#include "daemon/keeper/notify_server.h"

#include <sys/socket.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/keeper/unix_listener.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"

namespace dmaheap {
namespace {

// SCM_MAX_FD (include/net/scm.h): the most that one datagram can carry.
constexpr int kMaxFds = 253;

}  // namespace

absl::StatusOr<NotifyServer> NotifyServer::Create(const std::string& path, const Account& account) {
  ListenerSpec spec;
  spec.path = path;
  spec.type = SOCK_DGRAM;
  spec.mode = 0600;
  if (account.change) spec.owner = account.uid;
  absl::StatusOr<UniqueFd> socket = BindUnixSocket(spec);
  if (!socket.ok()) return socket.status();
  const int on = 1;
  if (setsockopt(socket->get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
    return ErrnoStatus(errno, "setsockopt(SO_PASSCRED)");
  }
  return NotifyServer(*std::move(socket));
}

absl::StatusOr<absl::optional<Notification>> NotifyServer::Receive(pid_t broker) {
  absl::StatusOr<Datagram> datagram =
      ReceiveDatagramWithSender(socket_.get(), kMaxNotifyBytes, kMaxFds);
  if (!datagram.ok()) {
    const int error = GetErrno(datagram.status());
    if (error == EAGAIN || error == EWOULDBLOCK) return absl::optional<Notification>();
    return datagram.status();
  }
  const pid_t sender = datagram->sender.has_value() ? datagram->sender->pid : 0;
  if (sender == 0 || sender != broker) {
    return absl::PermissionDeniedError(
        absl::StrCat("a notification of pid ", sender, ", which is not the broker, pid ", broker));
  }
  if (datagram->bytes_truncated) {
    return absl::InvalidArgumentError(
        absl::StrCat("a notification of more than ", kMaxNotifyBytes, " bytes"));
  }
  absl::StatusOr<NotifyMessage> message = ParseNotifyMessage(datagram->bytes);
  if (!message.ok()) return message.status();
  if (datagram->fds_truncated) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a notification lost fds on its way: the keeper has no fd number left (FDNAME ",
        message->fd_name, ")"));
  }
  if (message->fd_store && datagram->fds.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("FDSTORE=1 without an fd (FDNAME ", message->fd_name, ")"));
  }
  if (!message->fd_store && !message->barrier && !datagram->fds.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a notification with ", datagram->fds.size(), " fds but without FDSTORE=1"));
  }
  Notification notification;
  notification.message = *std::move(message);
  notification.fds = std::move(datagram->fds);
  return absl::optional<Notification>(std::move(notification));
}

}  // namespace dmaheap

// The broker's word to the keeper: sd_notify(3) datagrams, with fds for its store.
//
// libsystemd would send them too, but may block when the receiver is slow, and no task may: a
// datagram that does not fit is an error here. Thread-safe.

#ifndef DAEMON_HANDOVER_KEEPER_LINK_H_
#define DAEMON_HANDOVER_KEEPER_LINK_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/core/fd_store.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class KeeperLink : public FdStore {
 public:
  // address is the value of NOTIFY_SOCKET: a path, or @ and an abstract name. Empty: nobody
  // listens; Notify then does nothing, and the store keeps nothing.
  static absl::StatusOr<std::unique_ptr<KeeperLink>> Create(absl::string_view address);

  // "READY=1", "WATCHDOG=1", ...
  absl::Status Notify(absl::string_view state);

  absl::Status Store(absl::string_view name, int fd) override;
  absl::Status Remove(absl::string_view name) override;

 private:
  explicit KeeperLink(UniqueFd socket) : socket_(std::move(socket)) {}

  const UniqueFd socket_;
};

}  // namespace dmaheap

#endif  // DAEMON_HANDOVER_KEEPER_LINK_H_

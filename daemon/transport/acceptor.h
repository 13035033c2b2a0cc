// Accepts connections of one listening socket and hands each on with its peer's identity.
//
// Survives what accept(2) may say: when the process is short of fds it leaves the line alone for a
// moment, without spinning, and the connections it has are served. Inside tasks of the executor.

#ifndef DAEMON_TRANSPORT_ACCEPTOR_H_
#define DAEMON_TRANSPORT_ACCEPTOR_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daemon/loop/event_loop.h"
#include "daemon/transport/peer.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class Acceptor {
 public:
  // on_connection gets a non-blocking, O_CLOEXEC socket.
  using OnConnection = absl::AnyInvocable<void(UniqueFd, PeerIdentity)>;
  static absl::StatusOr<std::unique_ptr<Acceptor>> Create(EventLoop& loop, UniqueFd listener,
                                                          OnConnection on_connection);
  // Inside a task, or when no task runs any more.
  ~Acceptor();

 private:
  Acceptor(EventLoop& loop, UniqueFd listener, OnConnection on_connection);
  absl::Status Watch();
  void OnReadable();
  void Pause();

  EventLoop& loop_;
  UniqueFd listener_;
  OnConnection on_connection_;
  EventLoop::WatchId watch_ = 0;
  TimerId resume_ = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_ACCEPTOR_H_

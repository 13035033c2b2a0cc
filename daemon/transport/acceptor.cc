#include "daemon/transport/acceptor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "daemon/limits.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// Connections taken in one task, so that a flood leaves the executor to others in between.
constexpr int kMaxAcceptsPerTask = 16;
// Long enough not to spin, short enough not to be felt.
constexpr absl::Duration kPause = absl::Milliseconds(100);

// Whether kReservedFds numbers are free below the limit: the lowest free number says it well
// enough, since numbers are given from below (open(2)).
bool FdsAreShort(int lowest_free) {
  return lowest_free + static_cast<int>(kReservedFds) >= static_cast<int>(kMaxOpenFiles);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Create(EventLoop& loop, UniqueFd listener,
                                                           OnConnection on_connection) {
  if (fcntl(listener.get(), F_SETFL, fcntl(listener.get(), F_GETFL) | O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "fcntl of a listening socket");
  }
  std::unique_ptr<Acceptor> acceptor(
      new Acceptor(loop, std::move(listener), std::move(on_connection)));
  if (absl::Status status = acceptor->Watch(); !status.ok()) return status;
  return acceptor;
}

Acceptor::Acceptor(EventLoop& loop, UniqueFd listener, OnConnection on_connection)
    : loop_(loop), listener_(std::move(listener)), on_connection_(std::move(on_connection)) {}

Acceptor::~Acceptor() {
  if (watch_ != 0) loop_.Unwatch(watch_);
  loop_.Cancel(resume_);
}

absl::Status Acceptor::Watch() {
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(listener_.get(), EPOLLIN, [this](uint32_t) { OnReadable(); });
  if (!watch.ok()) return watch.status();
  watch_ = *watch;
  return absl::OkStatus();
}

void Acceptor::OnReadable() {
  for (int i = 0; i < kMaxAcceptsPerTask; ++i) {
    UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection.valid()) {
      switch (errno) {
        case EAGAIN:
          return;
        case EINTR:
        case ECONNABORTED:
          continue;
        default:  // EMFILE, ENFILE, ENOBUFS, ENOMEM: it stays in line, and would be reported again
          spdlog::warn("event=accept_paused {}", LogStatus(ErrnoStatus(errno, "accept4")));
          return Pause();
      }
    }
    if (FdsAreShort(connection.get())) {
      spdlog::warn("event=accept_paused reason=\"fewer than {} fds left\"", kReservedFds);
      return Pause();  // the connection is closed: better told at once than kept waiting
    }
    absl::StatusOr<PeerIdentity> peer = ReadPeerIdentity(connection.get());
    if (!peer.ok()) continue;  // gone already
    on_connection_(std::move(connection), *std::move(peer));
  }
}

void Acceptor::Pause() {
  if (watch_ != 0) loop_.Unwatch(std::exchange(watch_, 0));
  resume_ = loop_.After(kPause, [this] {
    resume_ = 0;
    if (absl::Status status = Watch(); !status.ok()) Pause();
  });
}

}  // namespace dmaheap

// The signals of the keeper, as something to poll.

#ifndef DAEMON_KEEPER_SIGNALS_H_
#define DAEMON_KEEPER_SIGNALS_H_

#include <utility>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class SignalFd {
 public:
  // Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD for this thread and lets them be read instead; and
  // ignores SIGPIPE. Before anything that they should not interrupt.
  static absl::StatusOr<SignalFd> Create();

  // The next signal that came; 0 when there is none now.
  int Next();

  // Readable when Next has something. Borrowed.
  int fd() const { return fd_.get(); }

 private:
  explicit SignalFd(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_SIGNALS_H_

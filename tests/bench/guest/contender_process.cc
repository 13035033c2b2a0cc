#include "tests/bench/guest/contender_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/errno_status.h"
#include "tests/bench/become_user.h"

namespace dmaheap::bench {
namespace {

// Both sides are one program, so a datagram is the bytes of this.
struct Reply {
  bool success;
  double ms;
  char error[400];
};

Reply ReplyOf(const absl::Status& status, absl::Duration took) {
  Reply reply = {.success = status.ok(), .ms = absl::ToDoubleMilliseconds(took), .error = ""};
  const std::string text = status.ok() ? "" : status.ToString();
  text.copy(reply.error, sizeof(reply.error) - 1);
  return reply;
}

bool Send(int socket, const Reply& reply) {
  return send(socket, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply);
}

// In the child. The first reply says whether there is a contender at all.
[[noreturn]] void Serve(const ContenderKind& kind, int socket) {
  if (kind.uid != 0) {
    if (absl::Status status = BecomeUser(kind.uid); !status.ok()) {
      Send(socket, ReplyOf(status, absl::ZeroDuration()));
      _exit(EXIT_FAILURE);
    }
  }
  // After the change of user, which forgets it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto contender = kind.make();
  Send(socket, ReplyOf(contender.status(), absl::ZeroDuration()));
  char word;
  while (contender.ok() && recv(socket, &word, 1, 0) == 1) {
    const absl::Time start = absl::Now();
    const absl::Status status = (*contender)->Allocate();
    const absl::Duration took = absl::Now() - start;
    (*contender)->Release();
    if (!Send(socket, ReplyOf(status, took))) break;
  }
  _exit(EXIT_SUCCESS);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ContenderProcess>> ContenderProcess::Start(
    const ContenderKind& kind) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) {
    ours.Reset();
    Serve(kind, theirs.get());
  }
  std::unique_ptr<ContenderProcess> process(new ContenderProcess(kind.name, pid, std::move(ours)));
  // Or its end would be no end of the socket.
  theirs.Reset();
  const auto made = process->WaitFor(kAttemptDeadline);
  if (!made.ok()) return made.status();
  if (!made->has_value() || !(*made)->success) {
    return absl::UnavailableError(absl::StrCat(
        kind.name, " can not begin: ", made->has_value() ? (*made)->error : "it says nothing"));
  }
  return process;
}

ContenderProcess::~ContenderProcess() {
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

absl::Status ContenderProcess::Begin() {
  if (send(socket_.get(), "a", 1, MSG_NOSIGNAL) != 1) return ErrnoStatus(errno, name_);
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<Attempt>> ContenderProcess::WaitFor(absl::Duration time) {
  pollfd entry = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
  const int ready = poll(&entry, 1, static_cast<int>(absl::ToInt64Milliseconds(time)));
  if (ready < 0) return ErrnoStatus(errno, "poll");
  if (ready == 0) return absl::nullopt;
  Reply reply;
  if (recv(socket_.get(), &reply, sizeof(reply), 0) != sizeof(reply)) {
    return absl::UnavailableError(absl::StrCat(name_, " ended"));
  }
  return Attempt{reply.success, reply.ms, reply.error};
}

}  // namespace dmaheap::bench

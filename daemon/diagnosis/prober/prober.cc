#include "daemon/diagnosis/prober/prober.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/statusor.h"
#include "daemon/diagnosis/prober/area_reader.h"
#include "daemon/diagnosis/prober/sandbox.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

constexpr int kExitFailure = 1;

// Sends one datagram, waiting for room: the broker reads when it gets to it.
absl::Status SendWaiting(int socket, const std::string& bytes) {
  while (true) {
    absl::Status sent = SendDatagram(socket, bytes, {});
    const int error = GetErrno(sent);
    if (error != EAGAIN && error != EWOULDBLOCK) return sent;
    pollfd room = {.fd = socket, .events = POLLOUT, .revents = 0};
    if (poll(&room, 1, /*timeout=*/-1) < 0 && errno != EINTR) return ErrnoStatus(errno, "poll");
    if ((room.revents & (POLLERR | POLLHUP)) != 0) return ErrnoStatus(EPIPE, "poll");
  }
}

absl::Status CheckSocket() {
  const int handed = sd_listen_fds(/*unset_environment=*/1);
  if (handed == 1 &&
      sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, /*listening=*/0) > 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "fd 3 is no SOCK_SEQPACKET socket to a broker. The prober is started by dmaheapd, not by "
      "hand");
}

absl::Status PrepareSignals() {
  Interrupter::InstallHandler();
  // SIGTERM ends it by the kernel's own hand, SIGHUP means nothing to it.
  if (signal(SIGTERM, SIG_DFL) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR) {
    return ErrnoStatus(errno, "signal");
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> Prober::Answer(absl::string_view request_bytes) {
  const absl::StatusOr<ProberRequest> request = DecodeProberRequest(request_bytes);
  if (!request.ok()) {
    spdlog::warn("event=prober_request_dropped {}", LogStatus(request.status()));
    return {};
  }
  const ProberOp op = static_cast<ProberOp>(request->op);
  const TimeBox box(op == ProberOp::kListDmabufs ? kProberListTimeBox : kProberTimeBox);
  ProberReply reply;
  switch (op) {
    case ProberOp::kListDmabufs:
      reply = lister_.List(box);
      break;
    case ProberOp::kAreaState:
      reply = ReadAreaState(roots_, request->name, box);
      break;
    default:
      reply.op = op;
      reply.error_number = ENOTSUP;
  }
  reply.sequence = request->sequence;
  return EncodeProberReply(reply);
}

absl::Status Prober::Serve(int socket) {
  while (true) {
    const absl::StatusOr<Datagram> request =
        ReceiveDatagram(socket, sizeof(ProberRequest), /*max_fds=*/0);
    if (!request.ok()) return request.status();
    if (request->end_of_stream) return absl::OkStatus();
    // A longer one is not a request that happens to begin like one.
    const bool whole = !request->bytes_truncated;
    std::vector<std::string> answer;
    {
      const Interrupter interrupter;
      answer = Answer(whole ? absl::string_view(request->bytes) : absl::string_view());
    }
    for (const std::string& part : answer) {
      if (absl::Status status = SendWaiting(socket, part); !status.ok()) return status;
    }
  }
}

int RunProber(const Options& options) {
  absl::Status ready = CheckSocket();
  if (ready.ok()) ready = PrepareSignals();
  if (!ready.ok()) {
    spdlog::error("event=start_failed {}", LogStatus(ready));
    return kExitFailure;
  }
  Prober prober(ProberRoots(), LearnMemfdMark());
  // The first line of the log also loads the time zone, for which the sandbox has no room.
  spdlog::info("event=prober_started pid={}", getpid());
  const absl::Status sandbox = EnterProberSandbox();
  if (!sandbox.ok()) {
    const int error = GetErrno(sandbox);
    if (error != EINVAL && error != ENOSYS) {
      spdlog::error("event=start_failed {}", LogStatus(sandbox));
      return kExitFailure;
    }
    spdlog::warn("event=no_sandbox note=\"this kernel has no CONFIG_SECCOMP_FILTER\" {}",
                 LogStatus(sandbox));
  }
  const absl::Status served = prober.Serve(SD_LISTEN_FDS_START);
  if (!served.ok()) spdlog::warn("event=prober_ended {}", LogStatus(served));
  // Without the destructors of the libraries: they may want what the sandbox does not give.
  _exit(0);
}

}  // namespace dmaheap

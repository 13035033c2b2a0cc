#include "daemon/diagnosis/prober/prober.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "daemon/diagnosis/prober/area_reader.h"
#include "daemon/diagnosis/prober/cgroup_members.h"
#include "daemon/diagnosis/prober/guard.h"
#include "daemon/diagnosis/prober/mapper_scanner.h"
#include "daemon/diagnosis/prober/sandbox.h"
#include "daemon/handover/barrier_wire.h"
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

// The first that is handed over is the broker's, the second, if there are cgroups, the keeper's.
absl::Status CheckSockets(bool with_keeper) {
  const int handed = sd_listen_fds(/*unset_environment=*/1);
  bool good = handed == (with_keeper ? 2 : 1);
  for (int i = 0; good && i < handed; ++i) {
    good = sd_is_socket(SD_LISTEN_FDS_START + i, AF_UNIX, SOCK_SEQPACKET, /*listening=*/0) > 0;
  }
  if (good) return absl::OkStatus();
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
    case ProberOp::kWhoMaps:
      reply = FindMappers(roots_, request->name, box);
      break;
    case ProberOp::kCgroupMembers:
      reply = ListMembers(request->name, box);
      break;
    default:
      reply.op = op;
      reply.error_number = ENOTSUP;
  }
  reply.sequence = request->sequence;
  return EncodeProberReply(reply);
}

ProberReply Prober::ListMembers(absl::string_view place, const TimeBox& box) const {
  ProberReply reply;
  reply.op = ProberOp::kCgroupMembers;
  uint32_t cgroup = 0;
  if (!absl::SimpleAtoi(place, &cgroup) || cgroup >= cgroups_.size()) {
    reply.error_number = EINVAL;
    return reply;
  }
  const absl::StatusOr<CgroupMembers> members = ReadCgroupMembers(cgroups_[cgroup], box);
  reply.error_number = GetErrno(members.status());
  if (!members.ok()) return reply;
  for (const int32_t pid : members->pids) reply.members.push_back({.pid = pid});
  if (reply.members.size() > kMaxProberRecords) reply.members.resize(kMaxProberRecords);
  const bool whole = members->complete && reply.members.size() == members->pids.size();
  if (!whole) reply.flags |= kProberMembersPartial;
  return reply;
}

std::string Prober::AnswerKeeper(absl::string_view request_bytes) const {
  const auto request = DecodeBarrierMessage<GuardRequest>(request_bytes);
  if (!request.has_value()) return std::string();
  return EncodeBarrierMessage(CheckCgroup(*request, cgroups_, roots_, TimeBox(kProberTimeBox)));
}

absl::Status Prober::ServeBroker(int broker, bool& ended) {
  const absl::StatusOr<Datagram> request =
      ReceiveDatagram(broker, sizeof(ProberRequest), /*max_fds=*/0);
  if (!request.ok()) return request.status();
  ended = request->end_of_stream;
  if (ended) return absl::OkStatus();
  // A longer one is not a request that happens to begin like one.
  const bool whole = !request->bytes_truncated;
  std::vector<std::string> answer;
  {
    const Interrupter interrupter;
    answer = Answer(whole ? absl::string_view(request->bytes) : absl::string_view());
  }
  for (const std::string& part : answer) {
    if (absl::Status status = SendWaiting(broker, part); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Prober::ServeKeeper(int keeper) const {
  const absl::StatusOr<Datagram> request =
      ReceiveDatagram(keeper, sizeof(GuardRequest), /*max_fds=*/0);
  if (!request.ok()) return request.status();
  if (request->end_of_stream) return ErrnoStatus(EPIPE, "the keeper's socket has ended");
  std::string answer;
  {
    const Interrupter interrupter;
    answer = AnswerKeeper(request->bytes);
  }
  // A keeper that does not take it asks again.
  if (!answer.empty()) SendDatagram(keeper, answer, {}).IgnoreError();
  return absl::OkStatus();
}

absl::Status Prober::Serve(int broker, int keeper) {
  while (true) {
    // The keeper's first: somebody's allocation waits for it.
    pollfd fds[] = {{.fd = keeper, .events = POLLIN, .revents = 0},
                    {.fd = broker, .events = POLLIN, .revents = 0}};
    if (poll(fds, 2, /*timeout=*/-1) < 0 && errno != EINTR) return ErrnoStatus(errno, "poll");
    if (fds[0].revents != 0) {
      if (absl::Status status = ServeKeeper(keeper); !status.ok()) return status;
    } else if (fds[1].revents != 0) {
      bool ended = false;
      if (absl::Status status = ServeBroker(broker, ended); !status.ok() || ended) return status;
    }
  }
}

int RunProber(const Options& options) {
  const bool with_keeper = !options.barrier_cgroups.empty();
  absl::Status ready = CheckSockets(with_keeper);
  if (ready.ok()) ready = PrepareSignals();
  if (!ready.ok()) {
    spdlog::error("event=start_failed {}", LogStatus(ready));
    return kExitFailure;
  }
  Prober prober(ProberRoots(), LearnMemfdMark(), options.barrier_cgroups);
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
  const absl::Status served =
      prober.Serve(SD_LISTEN_FDS_START, with_keeper ? SD_LISTEN_FDS_START + 1 : -1);
  if (!served.ok()) spdlog::warn("event=prober_ended {}", LogStatus(served));
  // Without the destructors of the libraries: they may want what the sandbox does not give.
  _exit(0);
}

}  // namespace dmaheap

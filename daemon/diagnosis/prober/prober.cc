#include "daemon/diagnosis/prober/prober.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iterator>

#include "absl/status/statusor.h"
#include "daemon/diagnosis/prober/area_reader.h"
#include "daemon/diagnosis/prober/cgroup_members.h"
#include "daemon/diagnosis/prober/drop_capability.h"
#include "daemon/diagnosis/prober/frame_tables.h"
#include "daemon/diagnosis/prober/guard.h"
#include "daemon/diagnosis/prober/mapper_scanner.h"
#include "daemon/diagnosis/prober/pinner_scanner.h"
#include "daemon/diagnosis/prober/sandbox.h"
#include "daemon/diagnosis/prober/scout_looks.h"
#include "daemon/diagnosis/prober/sources.h"
#include "daemon/diagnosis/prober/tree.h"
#include "daemon/handover/barrier_wire.h"
#include "daemon/log.h"
#include "proto/decimal.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/unique_fd.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

constexpr int kExitFailure = 1;
// How long the kernel goes on telling of pages once nobody asks.
constexpr int kLingerMilliseconds = 1000;

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

// What the keeper handed over; -1: it has none.
struct Handed {
  int broker = -1;
  int keeper = -1;
  PageTracer::Files trace;
};

absl::StatusOr<Handed> TakeHanded(bool with_keeper) {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  Handed handed;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    const absl::string_view name = names[i];
    if (name == "broker") handed.broker = fd;
    if (name == "keeper") handed.keeper = fd;
    if (name == "trace.pipe") handed.trace.pipe = fd;
    if (name == "trace.filter") handed.trace.filter = fd;
    if (name == "trace.enable") handed.trace.enable = fd;
    free(names[i]);
  }
  free(names);
  const auto is_socket = [](int fd) {
    return fd >= 0 && sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, /*listening=*/0) > 0;
  };
  if (is_socket(handed.broker) && (!with_keeper || is_socket(handed.keeper))) return handed;
  return absl::FailedPreconditionError(
      "no SOCK_SEQPACKET socket to a broker was handed over. The prober is started by dmaheapd, "
      "not by hand");
}

absl::Status PrepareSignals() {
  Interrupter::InstallHandler();
  // SIGTERM ends it by the kernel's own hand, SIGHUP means nothing to it.
  if (signal(SIGTERM, SIG_DFL) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR) {
    return ErrnoStatus(errno, "signal");
  }
  return absl::OkStatus();
}

absl::Duration BoxOf(ProberOp op) {
  switch (op) {
    case ProberOp::kListDmabufs:
    case ProberOp::kSources:
      return kProberListTimeBox;
    case ProberOp::kWhoMaps:
    case ProberOp::kWhoPins:
      return kProberMappersTimeBox;
    default:
      return kProberTimeBox;
  }
}

}  // namespace

std::vector<std::string> Prober::Answer(absl::string_view request_bytes) {
  const absl::StatusOr<ProberRequest> request = DecodeProberRequest(request_bytes);
  if (!request.ok()) {
    spdlog::warn("event=prober_request_dropped {}", LogStatus(request.status()));
    return {};
  }
  const ProberOp op = static_cast<ProberOp>(request->op);
  const TimeBox box(BoxOf(op));
  ProberReply reply;
  switch (op) {
    case ProberOp::kListDmabufs:
      reply = lister_.List(box);
      break;
    case ProberOp::kFreeRuns:
      reply = ReadFreeRuns(roots_, request->name, box);
      break;
    case ProberOp::kWhoMaps:
      reply = FindMappers(roots_, request->name, box);
      break;
    case ProberOp::kWhoPins:
      reply = FindPinners(roots_, request->name, pages_, scouts_, box);
      break;
    case ProberOp::kWatchPage:
      reply = WatchPage(request->sequence, request->name);
      break;
    case ProberOp::kUnwatchPage:
      reply = pages_.Unwatch(request->name);
      break;
    case ProberOp::kSources:
      reply = FindSources(roots_, pages_, log_, box);
      break;
    case ProberOp::kKernelLog:
      reply = log_.Answer(box);
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

ProberReply Prober::WatchPage(uint64_t sequence, absl::string_view question) {
  ProberReply reply = pages_.Watch(sequence, question);
  if (reply.frames.empty()) return reply;
  // Whose page it is tells what may help; without that it is watched all the same.
  if (const absl::StatusOr<UniqueFd> proc = OpenRoot(roots_.proc); proc.ok()) {
    ReadFrameFlags(proc->get(), reply.frames.front());
    ReadMapCount(proc->get(), reply.frames.front());
  }
  return reply;
}

ProberReply Prober::ListMembers(absl::string_view place, const TimeBox& box) const {
  ProberReply reply;
  reply.op = ProberOp::kCgroupMembers;
  uint32_t cgroup = 0;
  if (!ParseDecimal(place, cgroup) || cgroup >= cgroups_.size()) {
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
  pages_.Settle();
  return TellReleased(broker);
}

absl::Status Prober::TellReleased(int broker) {
  for (const uint64_t sequence : pages_.TakeReleased()) {
    absl::Status status = SendWaiting(broker, EncodePageReleased(sequence));
    if (!status.ok()) return status;
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
                    {.fd = broker, .events = POLLIN, .revents = 0},
                    {.fd = pages_.fd(), .events = POLLIN, .revents = 0},
                    {.fd = scouts_.fd(), .events = POLLIN, .revents = 0}};
    const int ready = poll(fds, std::size(fds), pages_.lingers() ? kLingerMilliseconds : -1);
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, "poll");
    if (ready == 0) pages_.Rest();
    if (ready <= 0) continue;
    if (fds[0].revents != 0) {
      if (absl::Status status = ServeKeeper(keeper); !status.ok()) return status;
    } else if (fds[1].revents != 0) {
      bool ended = false;
      if (absl::Status status = ServeBroker(broker, ended); !status.ok() || ended) return status;
    } else if (fds[2].revents != 0) {
      if (absl::Status status = TellReleased(broker); !status.ok()) return status;
    } else if (fds[3].revents != 0) {
      if (absl::Status status = scouts_.OnReadable(); !status.ok()) return status;
    }
  }
}

int RunProber(const Options& options) {
  const bool with_keeper = !options.barrier_cgroups.empty();
  const absl::StatusOr<Handed> handed = TakeHanded(with_keeper);
  absl::Status ready = handed.status();
  if (ready.ok()) ready = PrepareSignals();
  if (!ready.ok()) {
    spdlog::error("event=start_failed {}", LogStatus(ready));
    return kExitFailure;
  }
  // While it may: the sandbox has no room for making processes.
  absl::StatusOr<Scouts> scouts = Scouts::Start(&LookAsScout);
  if (!scouts.ok()) {
    spdlog::error("event=start_failed {}", LogStatus(scouts.status()));
    return kExitFailure;
  }
  Prober prober(ProberRoots(), LearnMemfdMark(), options.barrier_cgroups, handed->trace,
                *std::move(scouts));
  // The kernel's log is open; addresses of the kernel (/proc/kallsyms) are nobody's business.
  if (absl::Status dropped = DropCapability(CAP_SYSLOG); !dropped.ok()) {
    spdlog::error("event=start_failed {}", LogStatus(dropped));
    return kExitFailure;
  }
  // The first line of the log also loads the time zone, for which the sandbox has no room.
  spdlog::info("event=prober_started pid={}", getpid());
  const absl::Status sandbox = EnterProberSandbox();
  if (!sandbox.ok()) {
    if (!IsWithoutSeccomp(sandbox)) {
      spdlog::error("event=start_failed {}", LogStatus(sandbox));
      return kExitFailure;
    }
    spdlog::warn(
        "event=no_sandbox note=\"this kernel has no CONFIG_SECCOMP_FILTER: who maps a page "
        "is not found\" {}",
        LogStatus(sandbox));
    // Nothing else keeps that one to the few files that it is for.
    if (absl::Status dropped = DropCapability(CAP_SYS_ADMIN); !dropped.ok()) {
      spdlog::error("event=start_failed {}", LogStatus(dropped));
      return kExitFailure;
    }
  }
  const absl::Status served = prober.Serve(handed->broker, handed->keeper);
  if (!served.ok()) spdlog::warn("event=prober_ended {}", LogStatus(served));
  // Without the destructors of the libraries: they may want what the sandbox does not give.
  _exit(0);
}

}  // namespace dmaheap

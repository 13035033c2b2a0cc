#include "daemon/handover/barrier_link.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/handover/barrier_cpu.h"
#include "daemon/limits.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"

namespace dmaheap {
namespace {

static_assert(kMaxGuardedClients >= kMaxSessions);

// The keeper answers within its own patience with the prober (200 ms) and the box; one that is late
// itself is waited for, as something may be frozen.
constexpr absl::Duration kPatience = absl::Seconds(1);

absl::Status HoldsProcess(absl::string_view whose, int pid) {
  return absl::FailedPreconditionError(
      absl::StrCat("the cgroup holds pid ", pid, ", ", whose, ", which must not be frozen"));
}

absl::Status FromErrno(int error_number, absl::string_view what) {
  if (error_number == 0) return absl::InternalError(what);
  return ErrnoStatus(error_number, what);
}

}  // namespace

absl::Status ToStatus(const BarrierReply& reply) {
  switch (reply.reason) {
    case BarrierReason::kNoSuchCgroup:
      return absl::InvalidArgumentError("no such cgroup is named on the command line");
    case BarrierReason::kBadBox:
      return absl::InvalidArgumentError(absl::StrCat("a box has ",
                                                     absl::FormatDuration(kMinBarrierBox), " to ",
                                                     absl::FormatDuration(kMaxBarrierBox)));
    case BarrierReason::kOtherBarrier:
      return absl::UnavailableError("another barrier stands");
    case BarrierReason::kThawPending:
      return absl::UnavailableError("the thaw of an earlier barrier is not confirmed");
    case BarrierReason::kAlreadyFrozen:
      return absl::AlreadyExistsError("the cgroup is frozen already, by somebody else");
    case BarrierReason::kOverBudget:
      return absl::ResourceExhaustedError(
          absl::StrCat("the cgroup was frozen for as much of this second as it may be; again in ",
                       absl::FormatDuration(absl::Nanoseconds(reply.nanoseconds))));
    case BarrierReason::kNoProber:
      return absl::FailedPreconditionError(
          "the daemon runs without its prober (--no-prober), so nobody looks who would be frozen");
    case BarrierReason::kSilentProber:
      return absl::UnavailableError("the prober did not say who would be frozen");
    case BarrierReason::kHoldsUs:
      return HoldsProcess("one of the daemon's own", reply.pid);
    case BarrierReason::kHoldsClient:
      return HoldsProcess("a client with a session", reply.pid);
    case BarrierReason::kHoldsVital:
      return HoldsProcess("an init, a service manager or a logger", reply.pid);
    case BarrierReason::kMembersUnknown:
      return absl::FailedPreconditionError(absl::StrCat("who would be frozen can not be told (",
                                                        ErrnoName(reply.error_number), ")"));
    case BarrierReason::kFileError:
      return FromErrno(reply.error_number, "the cgroup's files, or the keeper's record");
    case BarrierReason::kNotInTime:
      return absl::DeadlineExceededError("the cgroup did not stand still within the box");
    case BarrierReason::kAsked:
      return absl::CancelledError("thawed before it stood still");
    case BarrierReason::kStopping:
      return absl::CancelledError("a process of the daemon ended, or the daemon stops");
    case BarrierReason::kNone:
    case BarrierReason::kBoxOver:
      break;
  }
  return absl::InternalError(
      absl::StrCat("the keeper refused for reason ", static_cast<uint32_t>(reply.reason)));
}

absl::StatusOr<std::unique_ptr<BarrierLink>> BarrierLink::Create(Executor& executor,
                                                                 UniqueFd socket, int cgroups,
                                                                 Clients clients) {
  // Replies to an earlier broker may still be in the socket; 2^64 places keep them apart.
  uint64_t first_sequence = 0;
  if (getrandom(&first_sequence, sizeof(first_sequence), 0) != sizeof(first_sequence)) {
    return ErrnoStatus(errno, "getrandom");
  }
  if (socket.valid()) {
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        type != SOCK_SEQPACKET) {
      return absl::InvalidArgumentError("the barrier's fd is no SOCK_SEQPACKET socket to a keeper");
    }
    const int flags = fcntl(socket.get(), F_GETFL);
    if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
      return ErrnoStatus(errno, "making the keeper's socket non-blocking");
    }
  }
  return std::unique_ptr<BarrierLink>(
      new BarrierLink(executor, std::move(socket), cgroups, std::move(clients), first_sequence));
}

BarrierLink::BarrierLink(Executor& executor, UniqueFd socket, int cgroups, Clients clients,
                         uint64_t first_sequence)
    : executor_(executor),
      socket_(std::move(socket)),
      cgroups_(cgroups),
      clients_(std::move(clients)),
      sequence_(first_sequence) {}

BarrierLink::~BarrierLink() {
  if (barrier_ != nullptr) executor_.Cancel(barrier_->timer);
}

void BarrierLink::Freeze(int cgroup, absl::Duration box, OnFrozen on_frozen, OnThawed on_thawed) {
  if (!socket_.valid()) {
    return Answer(
        std::move(on_frozen),
        absl::FailedPreconditionError("no cgroup may be frozen: --barrier-cgroup names none"));
  }
  if (barrier_ != nullptr) {
    return Answer(std::move(on_frozen), absl::UnavailableError("another barrier stands"));
  }
  ++sequence_;
  if (absl::Status sent = Send(BarrierOp::kFreeze, cgroup, box); !sent.ok()) {
    return Answer(std::move(on_frozen), std::move(sent));
  }
  barrier_ = std::make_unique<Standing>();
  barrier_->on_frozen = std::move(on_frozen);
  barrier_->on_thawed = std::move(on_thawed);
  barrier_->asked_at = executor_.Now();
  barrier_->timer = executor_.After(kPatience, [this] { GiveUp(); });
}

void BarrierLink::Thaw() {
  // One that is lost costs the rest of the box.
  if (barrier_ != nullptr) Send(BarrierOp::kThaw, 0, absl::ZeroDuration()).IgnoreError();
}

void BarrierLink::Run(absl::FunctionRef<void()> attempt) {
  const BarrierCpu cpu(BarrierCpu::Part::kAllButLast);
  attempt();
}

absl::Status BarrierLink::Send(BarrierOp op, int cgroup, absl::Duration box) {
  BarrierRequest request;
  request.op = op;
  request.sequence = sequence_;
  // A negative one is as wrong as one behind the last.
  request.cgroup = static_cast<uint32_t>(cgroup);
  // What does not fit is longer than any box.
  request.box_microseconds = static_cast<uint32_t>(std::clamp<int64_t>(
      absl::ToInt64Microseconds(box), 0, absl::ToInt64Microseconds(2 * kMaxBarrierBox)));
  if (op == BarrierOp::kFreeze) {
    for (const pid_t pid : clients_()) {
      if (request.client_count == kMaxGuardedClients) {
        return absl::ResourceExhaustedError("more clients than can be kept from freezing");
      }
      request.clients[request.client_count++] = pid;
    }
  }
  return SendDatagram(socket_.get(), EncodeBarrierMessage(request), {});
}

absl::Status BarrierLink::OnReadable() {
  while (true) {
    const absl::StatusOr<Datagram> datagram =
        ReceiveDatagram(socket_.get(), sizeof(BarrierReply), /*max_fds=*/0);
    if (!datagram.ok()) {
      const int error = GetErrno(datagram.status());
      if (error == EAGAIN || error == EWOULDBLOCK) return absl::OkStatus();
      return datagram.status();
    }
    if (datagram->end_of_stream) return ErrnoStatus(EPIPE, "the keeper's socket has ended");
    const auto reply = DecodeBarrierMessage<BarrierReply>(datagram->bytes);
    if (reply.has_value() && reply->sequence == sequence_) OnReply(*reply);
  }
}

void BarrierLink::OnReply(const BarrierReply& reply) {
  // It is for an earlier broker, or comes too late.
  if (barrier_ == nullptr) return;
  if (reply.event == BarrierEvent::kFrozen) {
    if (std::exchange(barrier_->frozen, true)) return;
    // It may thaw, but not ask anew before the thaw, so barrier_ stays.
    OnFrozen on_frozen = std::move(barrier_->on_frozen);
    return on_frozen(absl::OkStatus());
  }
  executor_.Cancel(barrier_->timer);
  // The callback may ask anew.
  const std::unique_ptr<Standing> done = std::move(barrier_);
  if (done->frozen) return done->on_thawed(absl::Nanoseconds(reply.nanoseconds));
  done->on_frozen(ToStatus(reply));
}

void BarrierLink::Answer(OnFrozen on_frozen, absl::Status status) {
  executor_.Post([on_frozen = std::move(on_frozen), status = std::move(status)]() mutable {
    on_frozen(std::move(status));
  });
}

// The keeper is silent, perhaps as our word to it or its word to us was lost. If something is
// frozen, its own timer thaws it.
void BarrierLink::GiveUp() {
  const std::unique_ptr<Standing> done = std::move(barrier_);
  if (done->frozen) return done->on_thawed(executor_.Now() - done->asked_at);
  done->on_frozen(absl::UnavailableError("the keeper did not answer"));
}

}  // namespace dmaheap

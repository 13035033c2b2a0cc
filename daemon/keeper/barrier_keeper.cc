#include "daemon/keeper/barrier_keeper.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/keeper/barrier_rules.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// The prober answers within its time box of 50 ms, and may have another question before.
constexpr absl::Duration kGuardPatience = absl::Milliseconds(200);
// How often the files are looked at while they should change: the kernel holds its notice back for
// up to 10 ms, a fifth of the longest box.
constexpr absl::Duration kLookInterval = absl::Microseconds(500);
// What is not thawed by then waits for somebody else, who froze a cgroup above ours.
constexpr absl::Duration kThawTime = absl::Milliseconds(50);
constexpr absl::Duration kLateLookInterval = absl::Milliseconds(100);
// A broker that floods gets no more of a turn than this.
constexpr int kMessagesPerTurn = 16;

BarrierReply Because(BarrierReason reason, int error_number = 0) {
  BarrierReply reply;
  reply.reason = reason;
  reply.error_number = error_number;
  return reply;
}

// Takes messages of one kind, and calls on_message for each. Those of another size or version are
// dropped. Returns when there are no more now.
template <typename Message, typename OnMessage>
void TakeMessages(int socket, int limit, OnMessage on_message) {
  for (int i = 0; socket >= 0 && i < limit; ++i) {
    const absl::StatusOr<Datagram> datagram =
        ReceiveDatagram(socket, sizeof(Message), /*max_fds=*/0);
    if (!datagram.ok() || datagram->end_of_stream) return;
    if (datagram->bytes_truncated) continue;
    const absl::optional<Message> message = DecodeBarrierMessage<Message>(datagram->bytes);
    if (message.has_value()) on_message(*message);
  }
}

bool Holds(absl::Span<const pid_t> pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

const char* NameOf(BarrierReason reason) {
  switch (reason) {
    case BarrierReason::kAsked:
      return "asked";
    case BarrierReason::kBoxOver:
      return "box_over";
    case BarrierReason::kNotInTime:
      return "not_in_time";
    case BarrierReason::kStopping:
      return "death_or_stop";
    case BarrierReason::kFileError:
      return "file_error";
    default:
      return "unknown";
  }
}

}  // namespace

BarrierKeeper::BarrierKeeper(Setup setup) : setup_(std::move(setup)), record_(setup_.socket_dir) {
  for (const std::string& path : setup_.cgroups) {
    Cgroup& cgroup = cgroups_.emplace_back();
    cgroup.path = path;
    // Now, and not when it is needed; one that does not exist yet is opened when it is asked for.
    if (const auto state = Look(cgroup); !state.ok()) {
      spdlog::warn("event=cgroup_not_opened cgroup={} {}", LogValue(path),
                   LogStatus(state.status()));
    }
  }
}

BarrierKeeper::~BarrierKeeper() { Stop(); }

void BarrierKeeper::TakeUp() {
  const bool was_left_over = std::exchange(left_over_, false);
  const absl::StatusOr<absl::optional<FrozenCgroup>> left = record_.Read();
  if (left.ok() && !left->has_value()) return;
  absl::Status status = left.status();
  if (left.ok()) {
    absl::StatusOr<CgroupHandle> handle = CgroupHandle::Open((*left)->path);
    status = handle.status();
    // Another one that was made in its place was not frozen by us.
    if (handle.ok() && handle->inode() == (*left)->inode) {
      const absl::StatusOr<CgroupHandle::State> state = handle->Read();
      status = state.status();
      if (state.ok() && state->asked) {
        request_ = Request();
        frozen_ = std::make_shared<const CgroupHandle>(*std::move(handle));
        frozen_path_ = (*left)->path;
        frozen_since_ = setup_.clock();
        BeginThaw(BarrierReason::kNone);
        return;
      }
    }
  }
  const int error = GetErrno(status);
  if (!status.ok() && error != ENOENT && error != ENODEV && !absl::IsDataLoss(status)) {
    left_over_ = true;
    // Each request tries again, and may be a flood of a broker that was taken over.
    if (was_left_over) return;
    spdlog::error("event=left_frozen record={} note=\"no cgroup is frozen until it is thawed\" {}",
                  LogValue(record_.path()), LogStatus(status));
    return;
  }
  record_.Remove();
}

void BarrierKeeper::Turn(absl::Span<const pid_t> ours) {
  // What ends a barrier first.
  if (state_ == State::kFreezing) LookWhetherFrozen();
  if (state_ == State::kFrozen && setup_.clock() >= ends_at_) BeginThaw(BarrierReason::kBoxOver);
  if (state_ == State::kThawing) GoOnThawing();
  TakeFindings(ours);
  if (state_ == State::kChecking && setup_.clock() >= look_at_) {
    state_ = State::kIdle;
    Refuse(request_.sequence, Because(BarrierReason::kSilentProber));
  }
  TakeRequests(ours);
}

void BarrierKeeper::TakeRequests(absl::Span<const pid_t> ours) {
  TakeMessages<BarrierRequest>(setup_.broker_socket, kMessagesPerTurn,
                               [&](const BarrierRequest& request) {
                                 if (request.op == BarrierOp::kFreeze) {
                                   OnFreeze(request, ours);
                                 } else if (request.op == BarrierOp::kThaw && !idle() &&
                                            request.sequence == request_.sequence) {
                                   if (state_ == State::kChecking) {
                                     state_ = State::kIdle;
                                     Refuse(request_.sequence, Because(BarrierReason::kAsked));
                                   }
                                   if (HoldsStill()) BeginThaw(BarrierReason::kAsked);
                                 }
                               });
}

void BarrierKeeper::TakeFindings(absl::Span<const pid_t> ours) {
  TakeMessages<GuardReply>(setup_.prober_socket, kMessagesPerTurn, [&](const GuardReply& reply) {
    // Others are late answers to questions that were given up.
    if (state_ == State::kChecking && reply.sequence == guard_sequence_) OnFinding(reply, ours);
  });
}

void BarrierKeeper::ForgetBroker() {
  TakeMessages<BarrierRequest>(setup_.broker_socket, /*limit=*/1 << 20,
                               [](const BarrierRequest&) {});
}

absl::StatusOr<CgroupHandle::State> BarrierKeeper::Look(Cgroup& cgroup) {
  if (cgroup.handle != nullptr) {
    absl::StatusOr<CgroupHandle::State> state = cgroup.handle->Read();
    // Else it was removed, and perhaps made anew.
    if (GetErrno(state.status()) != ENODEV) return state;
  }
  absl::StatusOr<CgroupHandle> handle = CgroupHandle::Open(cgroup.path);
  cgroup.handle.reset();
  if (!handle.ok()) return handle.status();
  cgroup.handle = std::make_shared<const CgroupHandle>(*std::move(handle));
  return cgroup.handle->Read();
}

BarrierReply BarrierKeeper::Judge(const Request& request, const GuardReply* finding,
                                  bool found_ours) {
  if (left_over_) TakeUp();
  FreezeFacts facts;
  facts.cgroup = request.cgroup;
  facts.box = request.box;
  facts.cgroups = cgroups_.size();
  facts.stopping = stopping_;
  facts.thaw_pending = left_over_ || state_ == State::kThawing;
  facts.other_barrier = state_ != State::kIdle && finding == nullptr;
  facts.has_prober = setup_.prober_socket >= 0;
  if (request.cgroup < cgroups_.size()) {
    Cgroup& cgroup = cgroups_[request.cgroup];
    facts.budget_wait = cgroup.budget.Wait(setup_.clock(), request.box);
    const absl::StatusOr<CgroupHandle::State> state = Look(cgroup);
    if (!state.ok()) return Because(BarrierReason::kFileError, GetErrno(state.status()));
    facts.already_frozen = state->asked || state->frozen;
  }
  if (finding != nullptr) facts.finding = finding->finding;
  facts.found_ours = found_ours;
  BarrierReply reply = Because(WhyNotFreeze(facts));
  if (reply.reason == BarrierReason::kOverBudget) {
    reply.nanoseconds = absl::ToInt64Nanoseconds(facts.budget_wait);
  }
  if (finding != nullptr) {
    reply.pid = finding->pid;
    reply.error_number = finding->error_number;
  }
  return reply;
}

void BarrierKeeper::OnFreeze(const BarrierRequest& message, absl::Span<const pid_t> ours) {
  Request request;
  request.sequence = message.sequence;
  request.cgroup = message.cgroup;
  request.box = absl::Microseconds(message.box_microseconds);
  BarrierReply reply = Judge(request, /*finding=*/nullptr, /*found_ours=*/false);
  if (reply.reason != BarrierReason::kNone) return Refuse(request.sequence, reply);
  GuardRequest guard;
  guard.cgroup = request.cgroup;
  guard.sequence = ++guard_sequence_;
  for (const pid_t pid : ours) {
    if (guard.pid_count < kMaxGuardedPids - kMaxGuardedClients) guard.pids[guard.pid_count++] = pid;
  }
  // A number from a broker that was taken over.
  const uint32_t clients = std::min(message.client_count, kMaxGuardedClients);
  for (uint32_t i = 0; i < clients; ++i) guard.pids[guard.pid_count++] = message.clients[i];
  if (!SendDatagram(setup_.prober_socket, EncodeBarrierMessage(guard), {}).ok()) {
    return Refuse(request.sequence, Because(BarrierReason::kSilentProber));
  }
  request_ = request;
  state_ = State::kChecking;
  look_at_ = setup_.clock() + kGuardPatience;
}

void BarrierKeeper::OnFinding(const GuardReply& finding, absl::Span<const pid_t> ours) {
  const BarrierReply reply = Judge(request_, &finding, Holds(ours, finding.pid));
  if (reply.reason == BarrierReason::kNone) return Begin();
  state_ = State::kIdle;
  Refuse(request_.sequence, reply);
}

void BarrierKeeper::Begin() {
  const Cgroup& cgroup = cgroups_[request_.cgroup];
  frozen_ = cgroup.handle;
  frozen_path_ = cgroup.path;
  told_frozen_ = false;
  Hurry(true);
  absl::Status status = record_.Write({cgroup.path, frozen_->inode()});
  if (status.ok()) {
    frozen_since_ = setup_.clock();
    ends_at_ = frozen_since_ + request_.box - margin_.For(request_.box);
    state_ = State::kFreezing;
    status = frozen_->Write(/*freeze=*/true);
    if (status.ok()) return LookWhetherFrozen();
  }
  Hurry(false);
  record_.Remove();
  state_ = State::kIdle;
  Refuse(request_.sequence, Because(BarrierReason::kFileError, GetErrno(status)));
}

void BarrierKeeper::LookWhetherFrozen() {
  const absl::StatusOr<CgroupHandle::State> state = frozen_->Read();
  const absl::Time now = setup_.clock();
  if (!state.ok()) return BeginThaw(BarrierReason::kFileError);
  if (now >= ends_at_) return BeginThaw(BarrierReason::kNotInTime);
  look_at_ = now + kLookInterval;
  if (!state->frozen) return;
  state_ = State::kFrozen;
  told_frozen_ = true;
  BarrierReply reply;
  reply.event = BarrierEvent::kFrozen;
  reply.sequence = request_.sequence;
  reply.nanoseconds = absl::ToInt64Nanoseconds(now - frozen_since_);
  Send(reply);
}

void BarrierKeeper::BeginThaw(BarrierReason reason) {
  state_ = State::kThawing;
  end_reason_ = reason;
  thaw_written_ = false;
  thaw_overdue_ = false;
  thaw_since_ = setup_.clock();
  GoOnThawing();
}

void BarrierKeeper::GoOnThawing() {
  // Once only: what is frozen after that is somebody else's.
  if (!thaw_written_) {
    const absl::Status written = frozen_->Write(/*freeze=*/false);
    thaw_written_ = written.ok();
    // One that was asked for, or that a death brought, was not due at any time.
    const bool was_due =
        end_reason_ == BarrierReason::kBoxOver || end_reason_ == BarrierReason::kNotInTime;
    if (thaw_written_ && was_due) margin_.Add(setup_.clock() - ends_at_);
    if (GetErrno(written) == ENODEV) return Finish();
  }
  if (thaw_written_) {
    const absl::StatusOr<CgroupHandle::State> state = frozen_->Read();
    if (GetErrno(state.status()) == ENODEV) return Finish();
    if (state.ok() && (!state->frozen || state->asked)) return Finish();
  }
  const absl::Time now = setup_.clock();
  const bool late = now - thaw_since_ >= kThawTime;
  look_at_ = now + (late ? kLateLookInterval : kLookInterval);
  if (late) Hurry(false);
  if (!late || std::exchange(thaw_overdue_, true)) return;
  spdlog::error(
      "event=thaw_not_confirmed cgroup={} written={} note=\"perhaps one above is frozen\"",
      LogValue(frozen_path_), thaw_written_);
}

void BarrierKeeper::Finish() {
  const absl::Time now = setup_.clock();
  const absl::Duration frozen_for = now - frozen_since_;
  Hurry(false);
  for (Cgroup& cgroup : cgroups_) {
    if (cgroup.path == frozen_path_) cgroup.budget.Add(frozen_since_, now);
  }
  record_.Remove();
  frozen_.reset();
  state_ = State::kIdle;
  BarrierReply reply = Because(end_reason_);
  reply.nanoseconds = absl::ToInt64Nanoseconds(frozen_for);
  reply.sequence = request_.sequence;
  if (told_frozen_) reply.event = BarrierEvent::kThawed;
  told_frozen_ = false;
  if (end_reason_ == BarrierReason::kNone) {
    // Nobody here asked for it, nor knows since when.
    spdlog::warn("event=left_over_thawed cgroup={}", LogValue(frozen_path_));
    return;
  }
  Send(reply);
  const bool usual = end_reason_ == BarrierReason::kAsked || end_reason_ == BarrierReason::kBoxOver;
  spdlog::log(usual ? spdlog::level::debug : spdlog::level::warn,
              "event=thawed cgroup={} frozen_us={} end={}", LogValue(frozen_path_),
              absl::ToInt64Microseconds(frozen_for), NameOf(end_reason_));
}

void BarrierKeeper::Release() {
  if (HoldsStill()) BeginThaw(BarrierReason::kStopping);
  if (state_ == State::kChecking) {
    state_ = State::kIdle;
    Refuse(request_.sequence, Because(BarrierReason::kStopping));
  }
}

void BarrierKeeper::Stop() {
  stopping_ = true;
  Release();
}

void BarrierKeeper::Refuse(uint64_t sequence, BarrierReply reply) const {
  reply.event = BarrierEvent::kRefused;
  reply.sequence = sequence;
  Send(reply);
}

void BarrierKeeper::Send(const BarrierReply& reply) const {
  // A broker that does not read gets to know by its own clock.
  SendDatagram(setup_.broker_socket, EncodeBarrierMessage(reply), {}).IgnoreError();
}

void BarrierKeeper::Hurry(bool on) const {
  if (setup_.hurry) setup_.hurry(on);
}

void BarrierKeeper::AddPolls(std::vector<pollfd>& polls) const {
  for (const int fd : {setup_.broker_socket, setup_.prober_socket}) {
    if (fd >= 0) polls.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  }
  if (state_ == State::kFreezing || (state_ == State::kThawing && thaw_written_)) {
    polls.push_back({.fd = frozen_->events_fd(), .events = POLLPRI, .revents = 0});
  }
}

absl::Time BarrierKeeper::deadline() const {
  switch (state_) {
    case State::kIdle:
      return absl::InfiniteFuture();
    case State::kFreezing:
      return std::min(look_at_, ends_at_);
    case State::kFrozen:
      return ends_at_;
    case State::kChecking:
    case State::kThawing:
      return look_at_;
  }
  return absl::InfiniteFuture();
}

}  // namespace dmaheap

#include "client/internal/core.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/allocation_watch.h"
#include "client/internal/convert.h"
#include "client/internal/grpc_channel.h"
#include "client/internal/random_id.h"
#include "client/internal/recovery.h"
#include "client/internal/socket_path.h"
#include "client/internal/unreachable.h"
#include "proto/error.h"
#include "proto/grpc_status.h"
#include "proto/wire.h"

namespace dmaheap::client_internal {
namespace {

// One handshake while reconnecting. It takes well under a millisecond; a daemon that does not
// answer for so long is asked again, with the deadline of the call as the bound.
constexpr absl::Duration kHandshakePatience = absl::Seconds(1);

// How long a call whose connection broke reads on, for the end of the fd channel: the kernel closes
// both sockets of a process that dies within microseconds of each other.
constexpr absl::Duration kEndOfChannel = absl::Milliseconds(100);
// A daemon that said SHUTTING_DOWN finishes its work first.
constexpr absl::Duration kGracefulStop = absl::Seconds(1);

// Frames are sent before the reply and so are there; this bounds a daemon that breaks its word.
constexpr absl::Duration kLateFrames = absl::Seconds(1);

// A daemon that forgets each new session at once has a fault that no further one will cure.
constexpr int kMostUnknownSessions = 3;

// Gives slots back at the end of a scope.
class SlotHold {
 public:
  SlotHold(SlotGate& gate, int slots) : gate_(gate), slots_(slots) {}
  ~SlotHold() { gate_.Leave(slots_); }
  SlotHold(const SlotHold&) = delete;
  SlotHold& operator=(const SlotHold&) = delete;

 private:
  SlotGate& gate_;
  const int slots_;
};

void SleepFor(absl::Duration delay, const Deadline& deadline) {
  std::this_thread::sleep_for(absl::ToChronoNanoseconds(std::min(delay, deadline.Remaining())));
}

// Whether a reservation had one of the described buffers ready, of which drawn were. One that was
// made while its draw waited belongs to the reservation too: among both nobody can tell.
bool WasReady(const v1::Buffer& one, const std::vector<v1::Buffer>& described, int drawn) {
  if (drawn == 0 || one.reservation().empty()) return false;
  const auto of_it = std::count_if(described.begin(), described.end(),
                                   [](const v1::Buffer& b) { return !b.reservation().empty(); });
  return of_it == drawn;
}

}  // namespace

Delivery::Delivery(const v1::AllocateBuffersRequest& request, absl::Duration time)
    : Delivery(request.request_id(), request.count(), time) {
  if (request.reservation().empty()) return;
  reservation = request.reservation();
  if (request.heap().empty()) left_out.emplace_back("heap");
  if (request.size_bytes() == 0) left_out.emplace_back("size_bytes");
}

absl::StatusOr<std::shared_ptr<Core>> Core::Connect(const ConnectOptions& options) {
  const std::string dir = ResolveSocketDir(options.socket_dir);
  Endpoint endpoint;
  endpoint.fd_socket_path = SocketPath(dir, kFdSocketName);
  endpoint.rpc_socket_path = SocketPath(dir, kRpcSocketName);
  endpoint.label = options.label.empty() ? DefaultLabel() : options.label;
  if (absl::Status fits = CheckSocketPath(endpoint.rpc_socket_path); !fits.ok()) return fits;
  std::shared_ptr<GiveBackListener> listener;
  if (options.on_give_back) {
    listener = std::make_shared<GiveBackListener>(options.on_give_back);
    endpoint.on_give_back = [listener](const v1::GiveBack& question) { listener->Take(question); };
  }

  const Deadline wait = Deadline::After(options.wait_for_daemon);
  Backoff backoff;
  for (;;) {
    absl::StatusOr<std::shared_ptr<Link>> link =
        DialLink(endpoint, Deadline::After(options.timeout));
    if (link.ok()) {
      return std::make_shared<Core>(std::move(endpoint), *std::move(link), std::move(listener));
    }
    if (!WorthRedialing(link.status()) || wait.Expired()) return link.status();
    SleepFor(backoff.Next(), wait);
  }
}

Core::Core(Endpoint endpoint, std::shared_ptr<Link> link,
           std::shared_ptr<GiveBackListener> listener)
    : endpoint_(std::move(endpoint)),
      pid_(getpid()),
      link_(std::move(link)),
      gate_(link_->session->welcome().window()),
      keeper_(
          [this] { return CurrentLink(); },
          [this](const std::shared_ptr<Link>& lost, bool needs_session) {
            return ReplaceLink(lost, needs_session, Deadline::After(kHandshakePatience)).status();
          }),
      listener_(std::move(listener)) {
  if (listener_ != nullptr) {
    listener_->Start([this] { return CurrentLink()->session; });
  }
}

void Core::Shutdown() {
  std::unique_lock<std::mutex> lock(async_mutex_);
  const std::vector<std::shared_ptr<Parked>> running(async_.begin(), async_.end());
  lock.unlock();
  for (const auto& request : running) request->Cancel();
  lock.lock();
  async_ended_.wait(lock, [this] { return async_.empty(); });
  lock.unlock();
  if (listener_ != nullptr) listener_->Stop();
  keeper_.Stop();
  parking_.Stop();
  replies_.Stop();
}

bool Core::InForkedChild() const { return getpid() != pid_; }

absl::Status Core::CheckProcess() const {
  if (!InForkedChild()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("this dmaheap::Client belongs to process ", pid_, " and process ", getpid(),
                   " was forked from it: connect a Client of its own after fork()"));
}

v1::AllocateBuffersRequest Core::MakeRequest(const AllocateOptions& options, int count) {
  v1::AllocateBuffersRequest request;
  request.set_heap(ResourceName("heaps", options.heap));
  request.set_size_bytes(options.size_bytes);
  request.set_count(count);
  request.set_label(options.label);
  request.set_request_id(options.request_id.empty() ? RandomId() : options.request_id);
  request.set_priority(FromPriority(options.priority));
  request.set_retry_policy(options.retry_policy);
  request.set_reservation(ResourceName("reservations", options.reservation));
  return request;
}

absl::StatusOr<std::vector<Buffer>> Core::Allocate(const AllocateOptions& options, int count) {
  v1::AllocateBuffersRequest request = MakeRequest(options, count);
  Delivery delivery(request, options.deadline);
  return Deliver(delivery, [&](Link& link, grpc::ClientContext& context, DeliveryReply& reply) {
    request.set_session_id(link.session->id());
    const AllocationWatch watch(replies_, *link.stub, request.request_id(), options.on_progress);
    v1::AllocateBuffersResponse response;
    const grpc::Status status = link.stub->AllocateBuffers(&context, request, &response);
    reply.batch_id = response.batch_id();
    reply.drawn = response.drawn();
    reply.buffers.assign(std::make_move_iterator(response.mutable_buffers()->begin()),
                         std::make_move_iterator(response.mutable_buffers()->end()));
    return status;
  });
}

absl::StatusOr<Buffer> Core::Claim(const ClaimOptions& options) {
  v1::ClaimBufferRequest request;
  request.set_name(ResourceName("buffers", options.name));
  request.set_claim_token(options.token);
  request.set_request_id(RandomId());
  Delivery delivery(request.request_id(), 1, options.deadline);
  absl::StatusOr<std::vector<Buffer>> buffers =
      Deliver(delivery, [&](Link& link, grpc::ClientContext& context, DeliveryReply& reply) {
        request.set_session_id(link.session->id());
        v1::ClaimBufferResponse response;
        const grpc::Status status = link.stub->ClaimBuffer(&context, request, &response);
        reply.batch_id = response.batch_id();
        reply.buffers.push_back(std::move(*response.mutable_buffer()));
        return status;
      });
  if (!buffers.ok()) return buffers.status();
  return std::move(buffers->front());
}

absl::StatusOr<HeldBuffers> Core::Hold(const HoldOptions& options) {
  v1::AllocateBuffersRequest request = MakeRequest({.heap = options.heap,
                                                    .size_bytes = options.size_bytes,
                                                    .label = options.label,
                                                    .request_id = options.request_id,
                                                    .priority = options.priority,
                                                    .retry_policy = options.retry_policy},
                                                   options.count);
  v1::HoldOptions* hold = request.mutable_hold();
  if (options.lease != absl::ZeroDuration()) *hold->mutable_lease() = FromDuration(options.lease);
  v1::AllocateBuffersResponse response;
  const absl::Status status =
      Unary(options.deadline, "AllocateBuffers", [&](Link& link, grpc::ClientContext& context) {
        const AllocationWatch watch(replies_, *link.stub, request.request_id(),
                                    options.on_progress);
        return link.stub->AllocateBuffers(&context, request, &response);
      });
  if (!status.ok()) return status;
  HeldBuffers held;
  for (const v1::Buffer& buffer : response.buffers()) held.buffers.push_back(ToBufferInfo(buffer));
  held.claim_token = response.claim_token();
  return held;
}

absl::Status Core::Release(absl::string_view name, absl::string_view token,
                           absl::Duration timeout) {
  v1::ReleaseBufferRequest request;
  request.set_name(ResourceName("buffers", name));
  request.set_claim_token(std::string(token));
  return Unary(timeout, "ReleaseBuffer", [&](Link& link, grpc::ClientContext& context) {
    google::protobuf::Empty response;
    return link.stub->ReleaseBuffer(&context, request, &response);
  });
}

absl::StatusOr<std::vector<HeapInfo>> Core::ListHeaps(absl::Duration timeout) {
  std::vector<HeapInfo> heaps;
  const Deadline deadline = Deadline::After(timeout);
  v1::ListHeapsRequest request;
  request.set_page_size(kPageSize);
  do {
    v1::ListHeapsResponse response;
    const absl::Status status =
        Unary(deadline.Remaining(), "ListHeaps", [&](Link& link, grpc::ClientContext& context) {
          return link.stub->ListHeaps(&context, request, &response);
        });
    if (!status.ok()) return status;
    for (const v1::Heap& heap : response.heaps()) heaps.push_back(ToHeapInfo(heap));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return heaps;
}

void Core::AsyncBegins(std::shared_ptr<Parked> request) {
  std::lock_guard<std::mutex> lock(async_mutex_);
  async_.insert(std::move(request));
}

void Core::AsyncEnded(const std::shared_ptr<Parked>& request) {
  std::lock_guard<std::mutex> lock(async_mutex_);
  async_.erase(request);
  // With the lock held: Shutdown may end this object as soon as it can see the empty set.
  async_ended_.notify_all();
}

absl::StatusOr<bool> Core::Board(Delivery& delivery) {
  std::shared_ptr<Link> link = CurrentLink();
  const bool ended = link->session->ended();
  if (ended || (delivery.link_lost && link == delivery.link)) {
    delivery.needs_session = ended || delivery.needs_session;
    delivery.dead = std::move(link);
    return false;
  }
  if (delivery.link == nullptr || delivery.link->session != link->session) {
    if (delivery.link != nullptr) delivery.link->session->Forget(delivery.request_id);
    delivery.link = nullptr;
    if (!link->session->Expect(delivery.request_id)) {
      return Error(
                 ErrorReason::REQUEST_ID_REUSED,
                 absl::StrCat("request_id ", delivery.request_id,
                              " is in use by another request of this Client that still runs; take "
                              "another one, or none"))
          .With("request_id", delivery.request_id);
    }
  }
  delivery.link = std::move(link);
  delivery.link_lost = false;
  delivery.needs_session = false;
  delivery.dead = nullptr;
  return true;
}

absl::Status Core::Replace(Delivery& delivery) {
  return ReplaceLink(delivery.dead, delivery.needs_session, delivery.deadline).status();
}

absl::Status Core::BoardAndWait(Delivery& delivery) {
  for (;;) {
    const absl::StatusOr<bool> aboard = Board(delivery);
    if (!aboard.ok()) return aboard.status();
    if (*aboard) return absl::OkStatus();
    const absl::Status replaced = Replace(delivery);
    if (replaced.ok()) continue;
    if (!WorthRedialing(replaced) || delivery.deadline.Expired()) {
      return Unreachable(delivery, replaced);
    }
    SleepFor(delivery.backoff.Next(), delivery.deadline);
  }
}

absl::StatusOr<std::vector<Buffer>> Core::Deliver(Delivery& delivery, const DeliverCall& call) {
  if (absl::Status ours = CheckProcess(); !ours.ok()) return ours;
  const int slots = gate_.SlotsFor(delivery.count);
  if (!gate_.EnterAndWait(slots, delivery.deadline)) return DeadlineError(delivery.patience);
  const SlotHold hold(gate_, slots);
  for (;;) {
    if (absl::Status aboard = BoardAndWait(delivery); !aboard.ok()) return aboard;
    Step step;
    if (!delivery.arrived.empty()) {
      step = Describe(delivery);
    } else {
      grpc::ClientContext context;
      SetDeadline(context, delivery.deadline);
      DeliveryReply reply;
      const grpc::Status status = call(*delivery.link, context, reply);
      step = Judge(delivery, status, reply, /*cancelled=*/false);
    }
    if (step.next == Step::Next::kDone) return std::move(step.result);
    if (step.next == Step::Next::kRepeat) SleepFor(step.delay, delivery.deadline);
  }
}

absl::Status Core::Unary(absl::Duration timeout, absl::string_view method, const UnaryCall& call) {
  if (absl::Status ours = CheckProcess(); !ours.ok()) return ours;
  const Deadline deadline = Deadline::After(timeout);
  Backoff backoff;
  int unknown_sessions = 0;
  for (;;) {
    const std::shared_ptr<Link> link = CurrentLink();
    grpc::ClientContext context;
    SetDeadline(context, deadline);
    const absl::Status status = FromGrpcStatus(call(*link, context));
    if (status.ok()) return status;
    link->session->Drain();
    Recovery recovery = RecoveryFor(status, link->session->ended());
    if (recovery == Recovery::kNewSession && ++unknown_sessions > kMostUnknownSessions) {
      recovery = Recovery::kNone;
    }
    if (recovery == Recovery::kNone || deadline.Expired()) {
      return Explain(status, endpoint_.rpc_socket_path, timeout, method);
    }
    if (recovery != Recovery::kRepeat) {
      const absl::Status replaced =
          ReplaceLink(link, recovery == Recovery::kNewSession, deadline).status();
      if (!replaced.ok() && (!WorthRedialing(replaced) || deadline.Expired())) return replaced;
    }
    SleepFor(backoff.Next(), deadline);
  }
}

Step Core::Judge(Delivery& delivery, const grpc::Status& status, const DeliveryReply& reply,
                 bool cancelled) {
  const std::shared_ptr<FdSession> session = delivery.link->session;
  Step step;
  if (status.ok()) {
    absl::StatusOr<std::vector<Arrived>> arrived =
        session->Take(delivery.request_id, reply.batch_id, static_cast<int>(reply.buffers.size()),
                      delivery.deadline.NoLaterThan(kLateFrames));
    CallJanitorIfNeeded(session);
    if (!delivery.reservation.empty()) keeper_.OnKept(delivery.reservation, session->id());
    step.result = arrived.ok() ? MakeBuffers(*std::move(arrived), reply.buffers, reply.drawn)
                               : absl::StatusOr<std::vector<Buffer>>(arrived.status());
    return step;
  }

  const absl::Status error = FromGrpcStatus(status);
  session->Drain();
  Recovery recovery = RecoveryFor(error, session->ended());
  if (recovery == Recovery::kNewSession && ++delivery.unknown_sessions > kMostUnknownSessions) {
    recovery = Recovery::kNone;
  }
  const bool unanswered =
      recovery != Recovery::kNone || GetReason(error) == ErrorReason::ERROR_REASON_UNSPECIFIED;
  if (cancelled && unanswered) {
    // Whatever ended the call: it would have gone on, had it not been cancelled.
    GiveUp(delivery);
    step.result = Explain(absl::CancelledError(), endpoint_.rpc_socket_path, delivery.patience);
    return step;
  }
  if (delivery.deadline.Expired()) recovery = Recovery::kNone;
  switch (recovery) {
    case Recovery::kNone:
      if (GetReason(error) == ErrorReason::ERROR_REASON_UNSPECIFIED) {
        GiveUp(delivery);
      } else {
        session->Forget(delivery.request_id);
        CallJanitorIfNeeded(session);
      }
      if (GetReason(error) == ErrorReason::RESERVATION_NOT_FOUND) {
        keeper_.Forget(delivery.reservation);
      }
      step.result = ExplainDraw(Explain(error, endpoint_.rpc_socket_path, delivery.patience),
                                delivery.left_out, endpoint_.rpc_socket_path);
      return step;
    case Recovery::kRepeat:
      step.next = Step::Next::kRepeat;
      step.delay = delivery.backoff.Next();
      return step;
    case Recovery::kReconnect:
    case Recovery::kNewSession: {
      const bool graceful = GetReason(error) == ErrorReason::SHUTTING_DOWN;
      absl::optional<std::vector<Arrived>> arrived = session->TakeAtEnd(
          delivery.request_id,
          delivery.deadline.NoLaterThan(graceful ? kGracefulStop : kEndOfChannel));
      if (arrived.has_value()) delivery.arrived = *std::move(arrived);
      delivery.link_lost = true;
      delivery.needs_session = recovery == Recovery::kNewSession || graceful || session->ended();
      step.next = Step::Next::kReconnect;
      return step;
    }
  }
  return step;
}

Step Core::Describe(Delivery& delivery) {
  Step step;
  std::vector<v1::Buffer> described;
  for (const Arrived& arrived : delivery.arrived) {
    grpc::ClientContext context;
    SetDeadline(context, delivery.deadline);
    v1::GetBufferRequest request;
    request.set_name(arrived.entry.name());
    v1::Buffer buffer;
    const absl::Status status =
        FromGrpcStatus(delivery.link->stub->GetBuffer(&context, request, &buffer));
    if (status.ok()) {
      described.push_back(std::move(buffer));
      continue;
    }
    delivery.link->session->Drain();
    const Recovery recovery = RecoveryFor(status, delivery.link->session->ended());
    if (recovery != Recovery::kNone && !delivery.deadline.Expired()) {
      delivery.link_lost = true;
      delivery.needs_session = recovery == Recovery::kNewSession || delivery.link->session->ended();
      step.next = Step::Next::kReconnect;
      return step;
    }
    delivery.arrived.clear();
    if (status.code() == absl::StatusCode::kNotFound) {
      // The new daemon does not know them: what they are, nobody can say. Closed, and asked anew.
      step.next = Step::Next::kRepeat;
      return step;
    }
    GiveUp(delivery);
    step.result = Explain(status, endpoint_.rpc_socket_path, delivery.patience);
    return step;
  }
  delivery.link->session->Forget(delivery.request_id);
  // A session that has ended drew them.
  if (!delivery.reservation.empty()) keeper_.OnKept(delivery.reservation, "");
  step.result = MakeBuffers(std::exchange(delivery.arrived, {}), described, /*drawn=*/0);
  return step;
}

void Core::GiveUp(Delivery& delivery) {
  delivery.arrived.clear();
  if (delivery.link == nullptr) return;
  delivery.link->session->Abandon(delivery.request_id);
  CallJanitorIfNeeded(delivery.link->session);
}

absl::Status Core::Unreachable(Delivery& delivery, const absl::Status& last_error) {
  const int tries = delivery.backoff.tries() + 1;
  GiveUp(delivery);
  if (GetReason(last_error) != ErrorReason::DAEMON_UNREACHABLE) return last_error;
  return Error(
             ErrorReason::DAEMON_UNREACHABLE,
             absl::StrCat(last_error.message(), ". Tried ", tries, tries == 1 ? " time" : " times",
                          " within ", absl::FormatDuration(delivery.patience)))
      .With("socket_path",
            GetErrorValue(last_error, "socket_path").value_or(endpoint_.fd_socket_path))
      .With("errno", GetErrorValue(last_error, "errno").value_or(""))
      .With("tries", tries);
}

absl::Status Core::DeadlineError(absl::Duration patience) const {
  return Explain(absl::DeadlineExceededError(""), endpoint_.rpc_socket_path, patience);
}

absl::StatusOr<std::shared_ptr<Link>> Core::ReplaceLink(const std::shared_ptr<Link>& lost,
                                                        bool needs_session,
                                                        const Deadline& deadline) {
  const Deadline handshake = deadline.NoLaterThan(kHandshakePatience);
  std::unique_lock<std::mutex> lock(link_mutex_);
  if (!dialed_.wait_until(lock, handshake.time(), [this] { return !dialing_; })) {
    return SilentDaemonError(endpoint_.fd_socket_path, kHandshakePatience);
  }
  if (link_ != lost) return link_;
  if (!needs_session && !link_->session->ended()) {
    absl::StatusOr<std::shared_ptr<Link>> relinked = RelinkSession(endpoint_, link_->session);
    if (relinked.ok()) link_ = *relinked;
    return relinked;
  }
  dialing_ = true;
  lock.unlock();
  absl::StatusOr<std::shared_ptr<Link>> fresh = DialLink(endpoint_, handshake);
  lock.lock();
  dialing_ = false;
  if (fresh.ok()) link_ = *fresh;
  lock.unlock();
  dialed_.notify_all();
  if (fresh.ok()) {
    gate_.SetWindow((*fresh)->session->welcome().window());
    keeper_.OnNewSession();
    if (listener_ != nullptr) listener_->OnNewSession();
  }
  return fresh;
}

absl::StatusOr<std::vector<Buffer>> Core::MakeBuffers(std::vector<Arrived> arrived,
                                                      const std::vector<v1::Buffer>& described,
                                                      int drawn) {
  std::vector<Buffer> buffers;
  buffers.reserve(arrived.size());
  for (size_t i = 0; i < arrived.size(); ++i) {
    const v1::Buffer& description = described[i];
    if (description.name() != arrived[i].entry.name()) {
      return Error(ErrorReason::INTERNAL_ERROR,
                   absl::StrCat("the daemon's reply names ", description.name(),
                                " where its frame names ", arrived[i].entry.name(),
                                "; all fds of the request were closed"))
          .With("reply", description.name())
          .With("frame", arrived[i].entry.name());
    }
    auto state = std::make_shared<BufferState>();
    state->fd = std::move(arrived[i].fd);
    state->name = description.name();
    state->heap = description.heap();
    state->label = description.label();
    // The fd was checked against the frame.
    state->size_bytes = arrived[i].entry.size_bytes();
    state->contiguity = ToContiguity(description.contiguity());
    state->reservation = description.reservation();
    state->was_ready = WasReady(description, described, drawn);
    state->sink = weak_from_this();
    buffers.emplace_back(std::move(state));
  }
  return buffers;
}

void Core::CallJanitorIfNeeded(const std::shared_ptr<FdSession>& session) {
  if (session->NeedsCare()) janitor_.Watch(session);
}

void Core::SendRelease(const std::string& name) {
  if (InForkedChild()) return;
  CurrentLink()->session->SendRelease({name});
}

std::shared_ptr<Link> Core::CurrentLink() const {
  std::lock_guard<std::mutex> lock(link_mutex_);
  return link_;
}

}  // namespace dmaheap::client_internal

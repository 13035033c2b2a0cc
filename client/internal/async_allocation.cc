#include "client/internal/async_allocation.h"

#include <iterator>
#include <utility>

#include "client/internal/allocation_watch.h"
#include "client/internal/grpc_channel.h"
#include "client/internal/recovery.h"
#include "client/internal/reply_thread.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

absl::Status CancelledError() { return Explain(absl::CancelledError(), "", absl::ZeroDuration()); }

}  // namespace

// One try: what gRPC uses until the reply is there. It keeps itself alive as long.
struct AsyncAllocation::Rpc : AwaitedReply {
  std::shared_ptr<Rpc> self;
  std::shared_ptr<AsyncAllocation> owner;
  absl::optional<AllocationWatch> watch;
  grpc::ClientContext context;
  v1::AllocateBuffersResponse response;
  grpc::Status status;
  // Lives in the memory of the context's call, and so goes before it.
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::AllocateBuffersResponse>> reader;

 private:
  // The status says how it ended.
  void Arrived(bool) override {
    const std::shared_ptr<Rpc> last = std::move(self);
    watch.reset();
    owner->OnReply(*last);
  }
};

AsyncAllocation::AsyncAllocation(Core& core, const AllocateOptions& options, int count,
                                 Client::AllocateManyCallback callback)
    : core_(core),
      request_(Core::MakeRequest(options, count)),
      delivery_(request_, options.deadline),
      callback_(std::move(callback)),
      on_progress_(options.on_progress) {}

void AsyncAllocation::Start() {
  if (absl::Status ours = core_.CheckProcess(); !ours.ok()) return Finish(ours);
  bool waits = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    slots_ = core_.gate().SlotsFor(delivery_.count);
    state_ = State::kAtGate;
    ticket_ = core_.gate().Enter(slots_, [self = shared_from_this()] { self->Granted(); });
    waits = ticket_ != 0;
    has_slots_ = !waits;
  }
  if (waits) {
    core_.parking().Park(shared_from_this());
  } else {
    Call();
  }
}

void AsyncAllocation::Granted() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    has_slots_ = true;
    ticket_ = 0;
  }
  Call();
}

void AsyncAllocation::Cancel() {
  std::shared_ptr<Rpc> rpc;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state_ == State::kDone || cancelled_) return;
    cancelled_ = true;
    rpc = rpc_;
    // With the lock held: while this is not done, Core lives.
    core_.parking().Wake();
  }
  if (rpc != nullptr) rpc->context.TryCancel();
}

void AsyncAllocation::Call() {
  const absl::StatusOr<bool> aboard = core_.Board(delivery_);
  if (!aboard.ok()) return Finish(aboard.status());
  // What arrived without a reply is described on the parking thread, for that blocks.
  if (!*aboard || !delivery_.arrived.empty()) return ParkAs(State::kNeedsLink);
  request_.set_session_id(delivery_.link->session->id());
  const auto rpc = std::make_shared<Rpc>();
  rpc->owner = shared_from_this();
  SetDeadline(rpc->context, delivery_.deadline);
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (cancelled_) {
      lock.unlock();
      core_.GiveUp(delivery_);
      return Finish(CancelledError());
    }
    // Not before: a call that is prepared and never started leaks its message.
    rpc->reader = delivery_.link->stub->PrepareAsyncAllocateBuffers(&rpc->context, request_,
                                                                    &core_.replies().queue());
    state_ = State::kCalling;
    rpc_ = rpc;
  }
  rpc->self = rpc;
  rpc->watch.emplace(core_.replies(), *delivery_.link->stub, delivery_.request_id, on_progress_);
  rpc->reader->StartCall();
  // The reply may come, and change all members, before this returns.
  rpc->reader->Finish(&rpc->response, &rpc->status, rpc->Tag());
}

void AsyncAllocation::OnReply(const Rpc& rpc) {
  bool cancelled;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    rpc_ = nullptr;
    cancelled = cancelled_;
  }
  DeliveryReply reply;
  reply.batch_id = rpc.response.batch_id();
  reply.drawn = rpc.response.drawn();
  reply.buffers.assign(rpc.response.buffers().begin(), rpc.response.buffers().end());
  Follow(core_.Judge(delivery_, rpc.status, reply, cancelled));
}

void AsyncAllocation::Follow(Step step) {
  switch (step.next) {
    case Step::Next::kDone:
      return Finish(std::move(step.result));
    case Step::Next::kReconnect:
      return ParkAs(State::kNeedsLink);
    case Step::Next::kRepeat: {
      std::unique_lock<std::mutex> lock(mutex_);
      next_ = delivery_.deadline.NoLaterThan(step.delay);
      lock.unlock();
      return ParkAs(State::kRepeats);
    }
  }
}

void AsyncAllocation::ParkAs(State state) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    state_ = state;
    if (state == State::kNeedsLink) next_ = Deadline::After(absl::ZeroDuration());
  }
  core_.parking().Park(shared_from_this());
}

absl::optional<Deadline> AsyncAllocation::Poke() {
  std::unique_lock<std::mutex> lock(mutex_);
  const State state = state_;
  const bool cancelled = cancelled_;
  const bool expired = delivery_.deadline.Expired();
  switch (state) {
    case State::kNew:
    case State::kCalling:
    case State::kDone:
      return absl::nullopt;
    case State::kAtGate: {
      if (has_slots_) return absl::nullopt;
      if (!cancelled && !expired) return delivery_.deadline;
      const uint64_t ticket = ticket_;
      lock.unlock();
      // Admitted in this instant: the call that follows sees to the deadline and the cancellation.
      if (!core_.gate().Withdraw(ticket)) return absl::nullopt;
      Finish(cancelled ? CancelledError() : core_.DeadlineError(delivery_.patience));
      return absl::nullopt;
    }
    case State::kRepeats:
    case State::kNeedsLink:
      break;
  }
  if (cancelled) {
    lock.unlock();
    core_.GiveUp(delivery_);
    Finish(CancelledError());
    return absl::nullopt;
  }
  if (!next_.Expired()) return next_;
  lock.unlock();

  absl::StatusOr<bool> aboard = core_.Board(delivery_);
  if (!aboard.ok()) {
    Finish(aboard.status());
    return absl::nullopt;
  }
  if (!*aboard) {
    const absl::Status replaced = core_.Replace(delivery_);
    if (!replaced.ok()) {
      if (!WorthRedialing(replaced) || delivery_.deadline.Expired()) {
        Finish(core_.Unreachable(delivery_, replaced));
        return absl::nullopt;
      }
      lock.lock();
      state_ = State::kNeedsLink;
      next_ = delivery_.deadline.NoLaterThan(delivery_.backoff.Next());
      return next_;
    }
    aboard = core_.Board(delivery_);
    if (!aboard.ok()) {
      Finish(aboard.status());
      return absl::nullopt;
    }
    if (!*aboard) return delivery_.deadline.NoLaterThan(kFirstBackoff);
  }
  if (delivery_.arrived.empty()) {
    Call();
  } else {
    Follow(core_.Describe(delivery_));
  }
  return absl::nullopt;
}

void AsyncAllocation::Finish(absl::StatusOr<std::vector<Buffer>> result) {
  // The registry of Core gives up its reference below.
  const std::shared_ptr<AsyncAllocation> self = shared_from_this();
  bool has_slots;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    state_ = State::kDone;
    has_slots = std::exchange(has_slots_, false);
  }
  if (has_slots) core_.gate().Leave(slots_);
  std::move(callback_)(std::move(result));
  callback_ = nullptr;
  core_.AsyncEnded(self);
}

}  // namespace dmaheap::client_internal

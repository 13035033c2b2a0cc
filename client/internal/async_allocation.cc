#include "client/internal/async_allocation.h"

#include <utility>

#include "client/internal/callback_scope.h"
#include "client/internal/grpc_channel.h"
#include "client/internal/recovery.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

absl::Status CancelledError() { return Explain(absl::CancelledError(), "", absl::ZeroDuration()); }

}  // namespace

AsyncAllocation::AsyncAllocation(Core& core, v1::AllocateBuffersRequest request,
                                 absl::Duration deadline, Client::AllocateManyCallback callback)
    : core_(core),
      request_(std::move(request)),
      delivery_(request_.request_id(), request_.count(), deadline),
      callback_(std::move(callback)) {}

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
  std::shared_ptr<grpc::ClientContext> context;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state_ == State::kDone || cancelled_) return;
    cancelled_ = true;
    ++pins_;
    context = context_;
  }
  core_.parking().Wake();
  if (context != nullptr) context->TryCancel();
  context = nullptr;
  Unpin();
}

void AsyncAllocation::Call() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++pins_;
  }
  CallPinned();
  Unpin();
}

void AsyncAllocation::CallPinned() {
  const absl::StatusOr<bool> aboard = core_.Board(delivery_);
  if (!aboard.ok()) return Finish(aboard.status());
  // What arrived without a reply is described on the parking thread, for that blocks.
  if (!*aboard || !delivery_.arrived.empty()) return ParkAs(State::kNeedsLink);
  // The callback may come, and change delivery_, before the call below returns.
  const std::shared_ptr<Link> link = delivery_.link;
  request_.set_session_id(link->session->id());
  response_.Clear();
  const auto context = std::make_shared<grpc::ClientContext>();
  SetDeadline(*context, delivery_.deadline);
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (cancelled_) {
      lock.unlock();
      core_.GiveUp(delivery_);
      return Finish(CancelledError());
    }
    state_ = State::kCalling;
    context_ = context;
  }
  link->stub->async()->AllocateBuffers(
      context.get(), &request_, &response_,
      [self = shared_from_this()](grpc::Status status) { self->OnReply(status); });
}

void AsyncAllocation::OnReply(const grpc::Status& status) {
  bool cancelled;
  std::shared_ptr<grpc::ClientContext> context;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    context = std::move(context_);
    cancelled = cancelled_;
    ++pins_;
  }
  context = nullptr;
  DeliveryReply reply;
  reply.batch_id = response_.batch_id();
  reply.buffers.assign(response_.buffers().begin(), response_.buffers().end());
  Follow(core_.Judge(delivery_, status, reply, cancelled));
  Unpin();
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
  bool has_slots;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    state_ = State::kDone;
    has_slots = std::exchange(has_slots_, false);
  }
  delivery_.link = nullptr;
  delivery_.dead = nullptr;
  if (has_slots) core_.gate().Leave(slots_);
  {
    const CallbackScope scope;
    std::move(callback_)(std::move(result));
    callback_ = nullptr;
  }
  Unpin();
}

void AsyncAllocation::Unpin() {
  // The registry of Core gives up its reference below.
  const std::shared_ptr<AsyncAllocation> self = shared_from_this();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (--pins_ > 0) return;
  }
  core_.AsyncEnded(self);
}

}  // namespace dmaheap::client_internal

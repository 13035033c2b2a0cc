#include "daemon/transport/allocator_service.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/core/listing.h"
#include "daemon/transport/rpc_call.h"
#include "daemon/transport/watch_call.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// A call that may take long: it can be cancelled, and owns itself until gRPC is done with it.
class AllocateCall final : public grpc::ServerUnaryReactor {
 public:
  // Fills in the response of the call, as a task.
  using Answer = absl::AnyInvocable<absl::Status(absl::StatusOr<v1::AllocateBuffersResponse>)>;

  AllocateCall(Executor& executor, Allocator& allocator, Answer answer)
      : executor_(executor), allocator_(allocator), answer_(std::move(answer)) {}

  void Refuse(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

  // As a task. Nothing of this object may be touched after the allocator called back.
  void Start(AllocateRequest request) {
    const std::shared_ptr<State> state = state_;
    if (state->cancelled) {
      return Refuse(absl::CancelledError("the caller cancelled the request"));
    }
    state->call = allocator_.Allocate(std::move(request),
                                      [this](absl::StatusOr<v1::AllocateBuffersResponse> result) {
                                        Finish(ToGrpcStatus(answer_(std::move(result))));
                                      });
  }

  // Also called when the connection breaks.
  void OnCancel() override {
    executor_.Post([state = state_, &allocator = allocator_] {
      state->cancelled = true;
      if (state->call != 0) allocator.Cancel(state->call);
    });
  }
  void OnDone() override { delete this; }
  // gRPC hands the two reactions above to a thread of another pool unless told that they are short
  // (grpcpp/support/server_callback.h): one wake-up less for each allocation.
  bool InternalInlineable() override { return true; }

 private:
  // Lives on with the task of a late cancel. Touched inside tasks only.
  struct State {
    CallId call = 0;
    bool cancelled = false;
  };

  Executor& executor_;
  Allocator& allocator_;
  Answer answer_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

grpc::ServerUnaryReactor* AllocatorService::AllocateBuffers(
    grpc::CallbackServerContext* context, const v1::AllocateBuffersRequest* request,
    v1::AllocateBuffersResponse* response) {
  return Begin(*context, CheckAllocateRequest(*request), request->session_id(),
               [response](absl::StatusOr<v1::AllocateBuffersResponse> result) {
                 return Assign(std::move(result), *response);
               });
}

grpc::ServerUnaryReactor* AllocatorService::ReserveBuffers(grpc::CallbackServerContext* context,
                                                           const v1::ReserveBuffersRequest* request,
                                                           v1::Reservation* response) {
  auto identity = identities_.Find(context->peer());
  return Begin(*context, CheckReserveRequest(*request), request->session_id(),
               [this, response, identity](absl::StatusOr<v1::AllocateBuffersResponse> result) {
                 if (!result.ok()) return result.status();
                 if (result->buffers().empty()) return absl::OkStatus();  // a check alone
                 const auto id = ParseReservationName("name", result->buffers(0).reservation());
                 if (!id.ok()) return id.status();
                 return Assign(allocator_.GetReservation((*identity)->principal.uid, *id),
                               *response);
               });
}

grpc::ServerUnaryReactor* AllocatorService::Begin(
    const grpc::CallbackServerContext& context, absl::StatusOr<AllocateRequest> checked,
    const std::string& session_id,
    absl::AnyInvocable<absl::Status(absl::StatusOr<v1::AllocateBuffersResponse>)> answer) {
  auto* call = new AllocateCall(executor_, allocator_, std::move(answer));
  auto identity = identities_.Find(context.peer());
  if (!identity.ok() || !checked.ok()) {
    call->Refuse(identity.ok() ? checked.status() : identity.status());
    return call;
  }
  checked->principal = (*identity)->principal;
  checked->deadline = AnswerBy(context, executor_);
  executor_.Post([this, call, peer = *std::move(identity), checked = *std::move(checked),
                  session_id]() mutable {
    const bool needs_session =
        checked.purpose == AllocateRequest::Purpose::kDeliver && !checked.validate_only;
    if (needs_session || !session_id.empty()) {
      auto session = sessions_.Find(session_id, *peer);
      if (!session.ok()) return call->Refuse(session.status());
      checked.recipient = *std::move(session);
    }
    call->Start(std::move(checked));
  });
  return call;
}

grpc::ServerWriteReactor<v1::Allocation>* AllocatorService::WatchAllocation(
    grpc::CallbackServerContext* context, const v1::WatchAllocationRequest* request) {
  auto* call = new WatchCall(executor_, allocator_);
  auto identity = identities_.Find(context->peer());
  absl::Status wrong = identity.ok() ? CheckRequestId(request->request_id()) : identity.status();
  if (wrong.ok() && request->request_id().empty()) {
    const std::string problem = "is required: that of the AllocateBuffersRequest to watch";
    wrong = Error(ErrorReason::INVALID_REQUEST_ID, absl::StrCat("request_id: ", problem))
                .Field("request_id", problem);
  }
  if (!wrong.ok()) {
    call->Refuse(wrong);
    return call;
  }
  executor_.Post([this, call, peer = *std::move(identity), request_id = request->request_id()] {
    const bool inspects = allocator_.policy().RightsOf(peer->principal, {}).inspect;
    call->Start(
        {peer->principal.uid, request_id, inspects ? Onlooker::kInspector : Onlooker::kOwner});
  });
  return call;
}

grpc::ServerUnaryReactor* AllocatorService::GetBuffer(grpc::CallbackServerContext* context,
                                                      const v1::GetBufferRequest* request,
                                                      v1::Buffer* response) {
  return RunTask(
      context, executor_, identities_,
      [this, request, response](const PeerIdentity& peer, Finish finish) {
        const absl::StatusOr<BufferKey> key = ParseBufferName("name", request->name());
        if (!key.ok()) return finish(key.status());
        allocator_.reconciler().ReconcileIfStale([this, key = *key, uid = peer.principal.uid,
                                                  response, finish = std::move(finish)]() mutable {
          finish(Assign(dmaheap::GetBuffer(allocator_, uid, key), *response));
        });
      });
}

grpc::ServerUnaryReactor* AllocatorService::ListBuffers(grpc::CallbackServerContext* context,
                                                        const v1::ListBuffersRequest* request,
                                                        v1::ListBuffersResponse* response) {
  return RunTask(
      context, executor_, identities_,
      [this, request, response](const PeerIdentity& peer, Finish finish) {
        const absl::StatusOr<Page> page = CheckPage(request->page_size(), request->page_token());
        if (!page.ok()) return finish(page.status());
        allocator_.reconciler().ReconcileIfStale([this, page = *page, uid = peer.principal.uid,
                                                  response, finish = std::move(finish)]() mutable {
          *response = dmaheap::ListBuffers(allocator_, uid, page);
          finish(absl::OkStatus());
        });
      });
}

grpc::ServerUnaryReactor* AllocatorService::ClaimBuffer(grpc::CallbackServerContext* context,
                                                        const v1::ClaimBufferRequest* request,
                                                        v1::ClaimBufferResponse* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   const absl::StatusOr<BufferKey> key = ParseBufferName("name", request->name());
                   if (!key.ok()) return finish(key.status());
                   auto session = sessions_.Find(request->session_id(), peer);
                   if (!session.ok()) return finish(session.status());
                   absl::Status id = CheckRequestId(request->request_id());
                   if (!id.ok()) return finish(id);
                   allocator_.Claim({*key, request->claim_token(), request->request_id(),
                                     peer.principal, *std::move(session)},
                                    [response, finish = std::move(finish)](
                                        absl::StatusOr<v1::ClaimBufferResponse> result) mutable {
                                      finish(Assign(std::move(result), *response));
                                    });
                 });
}

grpc::ServerUnaryReactor* AllocatorService::ReleaseBuffer(grpc::CallbackServerContext* context,
                                                          const v1::ReleaseBufferRequest* request,
                                                          google::protobuf::Empty* response) {
  return RunTask(context, executor_, identities_,
                 [this, request](const PeerIdentity& peer, Finish finish) {
                   const absl::StatusOr<BufferKey> key = ParseBufferName("name", request->name());
                   if (!key.ok()) return finish(key.status());
                   finish(allocator_.Release(peer.principal, *key, request->claim_token()));
                 });
}

grpc::ServerUnaryReactor* AllocatorService::GetReservation(grpc::CallbackServerContext* context,
                                                           const v1::GetReservationRequest* request,
                                                           v1::Reservation* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   const auto id = ParseReservationName("name", request->name());
                   if (!id.ok()) return finish(id.status());
                   finish(Assign(allocator_.GetReservation(peer.principal.uid, *id), *response));
                 });
}

grpc::ServerUnaryReactor* AllocatorService::ListReservations(
    grpc::CallbackServerContext* context, const v1::ListReservationsRequest* request,
    v1::ListReservationsResponse* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   const absl::StatusOr<Page> page =
                       CheckPage(request->page_size(), request->page_token());
                   if (!page.ok()) return finish(page.status());
                   *response = dmaheap::ListReservations(allocator_, peer.principal.uid, *page);
                   finish(absl::OkStatus());
                 });
}

grpc::ServerUnaryReactor* AllocatorService::KeepReservation(
    grpc::CallbackServerContext* context, const v1::KeepReservationRequest* request,
    v1::Reservation* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   const auto id = ParseReservationName("name", request->name());
                   if (!id.ok()) return finish(id.status());
                   std::shared_ptr<Session> session;
                   if (!request->session_id().empty()) {
                     auto found = sessions_.Find(request->session_id(), peer);
                     if (!found.ok()) return finish(found.status());
                     session = *std::move(found);
                   }
                   finish(Assign(allocator_.KeepReservation(peer.principal.uid, *id, session.get()),
                                 *response));
                 });
}

grpc::ServerUnaryReactor* AllocatorService::DeleteReservation(
    grpc::CallbackServerContext* context, const v1::DeleteReservationRequest* request,
    google::protobuf::Empty* response) {
  return RunTask(context, executor_, identities_,
                 [this, request](const PeerIdentity& peer, Finish finish) {
                   const auto id = ParseReservationName("name", request->name());
                   if (!id.ok()) return finish(id.status());
                   finish(allocator_.DeleteReservation(peer.principal.uid, *id));
                 });
}

grpc::ServerUnaryReactor* AllocatorService::GetDiagnosis(grpc::CallbackServerContext* context,
                                                         const v1::GetDiagnosisRequest* request,
                                                         v1::Diagnosis* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   const auto id = ParseDiagnosisName("name", request->name());
                   if (!id.ok()) return finish(id.status());
                   const auto& store = allocator_.diagnoser().store();
                   finish(Assign(store.Get(*id, peer.principal.uid), *response));
                 });
}

grpc::ServerUnaryReactor* AllocatorService::ListDiagnoses(grpc::CallbackServerContext* context,
                                                          const v1::ListDiagnosesRequest* request,
                                                          v1::ListDiagnosesResponse* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   const absl::StatusOr<Page> page =
                       CheckPage(request->page_size(), request->page_token());
                   if (!page.ok()) return finish(page.status());
                   *response = allocator_.diagnoser().store().List(peer.principal.uid, *page);
                   finish(absl::OkStatus());
                 });
}

grpc::ServerUnaryReactor* AllocatorService::ListHeaps(grpc::CallbackServerContext* context,
                                                      const v1::ListHeapsRequest* request,
                                                      v1::ListHeapsResponse* response) {
  return RunTask(
      context, executor_, identities_,
      [this, request, response](const PeerIdentity& peer, Finish finish) {
        const absl::StatusOr<Page> page = CheckPage(request->page_size(), request->page_token());
        if (!page.ok()) return finish(page.status());
        allocator_.reconciler().ReconcileIfStale([this, page = *page, principal = peer.principal,
                                                  response, finish = std::move(finish)]() mutable {
          *response = dmaheap::ListHeaps(allocator_, principal, page);
          finish(absl::OkStatus());
        });
      });
}

grpc::ServerUnaryReactor* AllocatorService::GetHeap(grpc::CallbackServerContext* context,
                                                    const v1::GetHeapRequest* request,
                                                    v1::Heap* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   absl::StatusOr<std::string> name = ParseHeapName("name", request->name());
                   if (!name.ok()) return finish(name.status());
                   allocator_.reconciler().ReconcileIfStale([this, name = *std::move(name),
                                                             principal = peer.principal, response,
                                                             finish = std::move(finish)]() mutable {
                     finish(Assign(dmaheap::GetHeap(allocator_, principal, name), *response));
                   });
                 });
}

}  // namespace dmaheap

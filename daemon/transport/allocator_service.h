// The Allocator service: calls in, tasks of the core, answers out. Knows no policy.

#ifndef DAEMON_TRANSPORT_ALLOCATOR_SERVICE_H_
#define DAEMON_TRANSPORT_ALLOCATOR_SERVICE_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/core/allocator.h"
#include "daemon/loop/executor.h"
#include "daemon/transport/identity_table.h"
#include "daemon/transport/session_table.h"
#include "dmaheap/v1/allocator.grpc.pb.h"

namespace dmaheap {

class AllocatorService final : public v1::Allocator::CallbackService {
 public:
  AllocatorService(Executor& executor, const IdentityTable& identities,
                   const SessionTable& sessions, Allocator& allocator)
      : executor_(executor), identities_(identities), sessions_(sessions), allocator_(allocator) {}

  grpc::ServerUnaryReactor* AllocateBuffers(grpc::CallbackServerContext* context,
                                            const v1::AllocateBuffersRequest* request,
                                            v1::AllocateBuffersResponse* response) override;
  grpc::ServerWriteReactor<v1::Allocation>* WatchAllocation(
      grpc::CallbackServerContext* context, const v1::WatchAllocationRequest* request) override;
  grpc::ServerUnaryReactor* GetBuffer(grpc::CallbackServerContext* context,
                                      const v1::GetBufferRequest* request,
                                      v1::Buffer* response) override;
  grpc::ServerUnaryReactor* ListBuffers(grpc::CallbackServerContext* context,
                                        const v1::ListBuffersRequest* request,
                                        v1::ListBuffersResponse* response) override;
  grpc::ServerUnaryReactor* ClaimBuffer(grpc::CallbackServerContext* context,
                                        const v1::ClaimBufferRequest* request,
                                        v1::ClaimBufferResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseBuffer(grpc::CallbackServerContext* context,
                                          const v1::ReleaseBufferRequest* request,
                                          google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* ReserveBuffers(grpc::CallbackServerContext* context,
                                           const v1::ReserveBuffersRequest* request,
                                           v1::Reservation* response) override;
  grpc::ServerUnaryReactor* GetReservation(grpc::CallbackServerContext* context,
                                           const v1::GetReservationRequest* request,
                                           v1::Reservation* response) override;
  grpc::ServerUnaryReactor* ListReservations(grpc::CallbackServerContext* context,
                                             const v1::ListReservationsRequest* request,
                                             v1::ListReservationsResponse* response) override;
  grpc::ServerUnaryReactor* KeepReservation(grpc::CallbackServerContext* context,
                                            const v1::KeepReservationRequest* request,
                                            v1::Reservation* response) override;
  grpc::ServerUnaryReactor* DeleteReservation(grpc::CallbackServerContext* context,
                                              const v1::DeleteReservationRequest* request,
                                              google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* GetDiagnosis(grpc::CallbackServerContext* context,
                                         const v1::GetDiagnosisRequest* request,
                                         v1::Diagnosis* response) override;
  grpc::ServerUnaryReactor* ListDiagnoses(grpc::CallbackServerContext* context,
                                          const v1::ListDiagnosesRequest* request,
                                          v1::ListDiagnosesResponse* response) override;
  grpc::ServerUnaryReactor* ListHeaps(grpc::CallbackServerContext* context,
                                      const v1::ListHeapsRequest* request,
                                      v1::ListHeapsResponse* response) override;
  grpc::ServerUnaryReactor* GetHeap(grpc::CallbackServerContext* context,
                                    const v1::GetHeapRequest* request, v1::Heap* response) override;

 private:
  // The way of the two calls that get buffers from a heap. answer fills in the response, as a task.
  grpc::ServerUnaryReactor* Begin(
      const grpc::CallbackServerContext& context, absl::StatusOr<AllocateRequest> checked,
      const std::string& session_id,
      absl::AnyInvocable<absl::Status(absl::StatusOr<v1::AllocateBuffersResponse>)> answer);

  Executor& executor_;
  const IdentityTable& identities_;
  const SessionTable& sessions_;
  Allocator& allocator_;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_ALLOCATOR_SERVICE_H_

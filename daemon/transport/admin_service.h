// The Admin service: what the operator may see and change. Each method asks the policy for its
// right.

#ifndef DAEMON_TRANSPORT_ADMIN_SERVICE_H_
#define DAEMON_TRANSPORT_ADMIN_SERVICE_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "daemon/core/allocator.h"
#include "daemon/core/request.h"
#include "daemon/core/worker.h"
#include "daemon/loop/executor.h"
#include "daemon/transport/identity_table.h"
#include "daemon/transport/policy_checks.h"
#include "daemon/transport/rpc_call.h"
#include "daemon/transport/session_table.h"
#include "dmaheap/v1/admin.grpc.pb.h"

namespace dmaheap {

class AdminService final : public v1::Admin::CallbackService {
 public:
  // reload reads the policy file again and puts it in force, as a task. worker checks policies that
  // are not, and outlives the server.
  AdminService(Executor& executor, const IdentityTable& identities, const SessionTable& sessions,
               Allocator& allocator, Worker& worker, std::string policy_path,
               absl::AnyInvocable<absl::Status()> reload)
      : executor_(executor),
        identities_(identities),
        sessions_(sessions),
        allocator_(allocator),
        policy_checks_(worker),
        policy_path_(std::move(policy_path)),
        reload_(std::move(reload)) {}

  grpc::ServerUnaryReactor* ListClients(grpc::CallbackServerContext* context,
                                        const v1::ListClientsRequest* request,
                                        v1::ListClientsResponse* response) override;
  grpc::ServerUnaryReactor* ListBuffers(grpc::CallbackServerContext* context,
                                        const v1::ListBuffersRequest* request,
                                        v1::ListBuffersResponse* response) override;
  grpc::ServerUnaryReactor* ListReservations(grpc::CallbackServerContext* context,
                                             const v1::ListReservationsRequest* request,
                                             v1::ListReservationsResponse* response) override;
  grpc::ServerUnaryReactor* ListAllocations(grpc::CallbackServerContext* context,
                                            const v1::ListAllocationsRequest* request,
                                            v1::ListAllocationsResponse* response) override;
  grpc::ServerWriteReactor<v1::Allocation>* WatchAllocations(
      grpc::CallbackServerContext* context, const v1::WatchAllocationsRequest* request) override;
  grpc::ServerUnaryReactor* GetDiagnosis(grpc::CallbackServerContext* context,
                                         const v1::GetDiagnosisRequest* request,
                                         v1::Diagnosis* response) override;
  grpc::ServerUnaryReactor* ListDiagnoses(grpc::CallbackServerContext* context,
                                          const v1::ListDiagnosesRequest* request,
                                          v1::ListDiagnosesResponse* response) override;
  grpc::ServerUnaryReactor* ListPinners(grpc::CallbackServerContext* context,
                                        const v1::ListPinnersRequest* request,
                                        v1::ListPinnersResponse* response) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::ServerInfo* response) override;
  grpc::ServerUnaryReactor* GetMetrics(grpc::CallbackServerContext* context,
                                       const v1::GetMetricsRequest* request,
                                       v1::Metrics* response) override;
  grpc::ServerUnaryReactor* ReloadPolicy(grpc::CallbackServerContext* context,
                                         const v1::ReloadPolicyRequest* request,
                                         v1::ReloadPolicyResponse* response) override;
  grpc::ServerUnaryReactor* CheckPolicy(grpc::CallbackServerContext* context,
                                        const v1::CheckPolicyRequest* request,
                                        v1::CheckPolicyResponse* response) override;
  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* context,
                                        const v1::SetLogLevelRequest* request,
                                        v1::SetLogLevelResponse* response) override;

 private:
  enum class Right { kInspect, kAdmin };
  absl::Status Check(const PeerIdentity& peer, Right right) const;
  template <typename Request>
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const Request* request,
                                 absl::AnyInvocable<void(const Page&, Finish)> fill);

  Executor& executor_;
  const IdentityTable& identities_;
  const SessionTable& sessions_;
  Allocator& allocator_;
  PolicyChecks policy_checks_;
  const std::string policy_path_;
  absl::AnyInvocable<absl::Status()> reload_;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_ADMIN_SERVICE_H_

// The calls to the daemon that bring no fd.
//
// Connects with the first call. Each call is bounded by the timeout from the construction on, and a
// SIGINT cancels it (REQUEST_CANCELLED). Lists come whole: all pages. Errors are the daemon's, or
// DAEMON_UNREACHABLE, ACCESS_DENIED and DEADLINE with a text that says what to do. One thread.

#ifndef CLIENT_CTL_DAEMON_CALLS_H_
#define CLIENT_CTL_DAEMON_CALLS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/ctl/interrupt.h"
#include "client/dmaheap.h"
#include "client/internal/deadline.h"
#include "client/internal/reply_thread.h"
#include "dmaheap/v1/admin.grpc.pb.h"
#include "dmaheap/v1/allocator.grpc.pb.h"

namespace dmaheap::ctl {

class DaemonCalls {
 public:
  // An empty socket_dir: the environment's, else the built-in one.
  DaemonCalls(absl::string_view socket_dir, absl::Duration timeout, Interrupt& interrupt);
  DaemonCalls(const DaemonCalls&) = delete;
  DaemonCalls& operator=(const DaemonCalls&) = delete;

  absl::StatusOr<v1::ListHeapsResponse> ListHeaps();
  absl::StatusOr<v1::ListBuffersResponse> ListBuffers();
  absl::StatusOr<v1::Heap> GetHeap(absl::string_view name);
  absl::StatusOr<v1::Buffer> GetBuffer(absl::string_view name);
  // A held one, or with validate_only. on_progress may be empty; it comes on another thread.
  absl::StatusOr<v1::AllocateBuffersResponse> Allocate(
      const v1::AllocateBuffersRequest& request, const ProgressCallback& on_progress = nullptr);
  absl::Status Release(absl::string_view name, absl::string_view token);
  absl::StatusOr<v1::Reservation> Reserve(const v1::ReserveBuffersRequest& request,
                                          const ProgressCallback& on_progress = nullptr);
  absl::StatusOr<v1::ListReservationsResponse> ListReservations();
  absl::StatusOr<v1::Reservation> GetReservation(absl::string_view name);
  absl::Status DeleteReservation(absl::string_view name);
  // Of the caller's uid; the newest first. An empty name: the newest, or DIAGNOSIS_NOT_FOUND.
  absl::StatusOr<v1::ListDiagnosesResponse> ListDiagnoses();
  absl::StatusOr<v1::Diagnosis> GetDiagnosis(absl::string_view name);

  // On the admin socket.
  absl::StatusOr<v1::ListClientsResponse> ListClients();
  absl::StatusOr<v1::ListBuffersResponse> ListAllBuffers();
  absl::StatusOr<v1::ListReservationsResponse> ListAllReservations();
  absl::StatusOr<v1::ListDiagnosesResponse> ListAllDiagnoses();
  absl::StatusOr<v1::Diagnosis> GetAnyDiagnosis(absl::string_view name);
  absl::StatusOr<v1::ListPinnersResponse> ListPinners();
  absl::StatusOr<v1::ServerInfo> GetServerInfo();
  absl::StatusOr<v1::ListAllocationsResponse> ListAllocations();
  // Those under way and each change, until show answers false (returns false) or a SIGINT (returns
  // true); an error is the daemon's. Not bounded by the timeout.
  absl::StatusOr<bool> WatchAllocations(const std::function<bool(const v1::Allocation&)>& show);
  absl::StatusOr<v1::Metrics> GetMetrics();
  absl::StatusOr<v1::ReloadPolicyResponse> ReloadPolicy();
  absl::StatusOr<v1::CheckPolicyResponse> CheckPolicy(std::string text);
  absl::StatusOr<v1::SetLogLevelResponse> SetLogLevel(v1::LogLevel level);

 private:
  template <typename Service>
  struct Endpoint {
    std::string path;
    std::unique_ptr<typename Service::Stub> stub;
  };

  template <typename Service>
  absl::Status Connect(Endpoint<Service>& endpoint);
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(Endpoint<Service>& endpoint,
                                grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                                const Request& request);
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> CallAllPages(Endpoint<Service>& endpoint,
                                        grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                              const Request&,
                                                                              Response*));

  template <typename Service>
  absl::StatusOr<v1::Diagnosis> FindDiagnosis(Endpoint<Service>& endpoint, absl::string_view name);

  const absl::Duration timeout_;
  const client_internal::Deadline deadline_;
  Interrupt& interrupt_;
  Endpoint<v1::Allocator> allocator_;
  Endpoint<v1::Admin> admin_;
  client_internal::ReplyThread replies_;
};

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_DAEMON_CALLS_H_

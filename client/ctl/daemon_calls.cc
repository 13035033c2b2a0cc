#include "client/ctl/daemon_calls.h"

#include <atomic>
#include <utility>

#include "absl/strings/strip.h"
#include "client/internal/allocation_watch.h"
#include "client/internal/convert.h"
#include "client/internal/grpc_channel.h"
#include "client/internal/recovery.h"
#include "client/internal/socket_path.h"
#include "google/protobuf/empty.pb.h"
#include "proto/error.h"
#include "proto/grpc_status.h"
#include "proto/wire.h"

namespace dmaheap::ctl {
namespace {

using client_internal::ResourceName;

// The most the daemon gives at once (allocator.proto).
constexpr int kPageSize = 1000;

// "GetHeap" for GetHeapRequest.
template <typename Request>
std::string MethodOf() {
  return std::string(absl::StripSuffix(Request::descriptor()->name(), "Request"));
}

}  // namespace

DaemonCalls::DaemonCalls(absl::string_view socket_dir, absl::Duration timeout, Interrupt& interrupt)
    : timeout_(timeout),
      deadline_(client_internal::Deadline::After(timeout)),
      interrupt_(interrupt) {
  const std::string dir = client_internal::ResolveSocketDir(socket_dir);
  allocator_.path = client_internal::SocketPath(dir, kRpcSocketName);
  admin_.path = client_internal::SocketPath(dir, kAdminSocketName);
}

template <typename Service>
absl::Status DaemonCalls::Connect(Endpoint<Service>& endpoint) {
  if (endpoint.stub != nullptr) return absl::OkStatus();
  auto channel = client_internal::ConnectGrpcChannel(endpoint.path);
  if (!channel.ok()) return channel.status();
  endpoint.stub = Service::NewStub(*std::move(channel));
  return absl::OkStatus();
}

template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> DaemonCalls::Call(
    Endpoint<Service>& endpoint,
    grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request) {
  if (absl::Status connected = Connect(endpoint); !connected.ok()) return connected;
  grpc::ClientContext context;
  client_internal::SetDeadline(context, deadline_);
  const Interrupt::Scope cancel(interrupt_,
                                Interrupt::CancelOnce([&context] { context.TryCancel(); }));
  Response response;
  const absl::Status status =
      FromGrpcStatus((endpoint.stub.get()->*method)(&context, request, &response));
  if (!status.ok()) {
    return client_internal::Explain(status, endpoint.path, timeout_, MethodOf<Request>());
  }
  return response;
}

template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> DaemonCalls::CallAllPages(
    Endpoint<Service>& endpoint,
    grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  Response all;
  Request request;
  request.set_page_size(kPageSize);
  do {
    absl::StatusOr<Response> page = Call(endpoint, method, request);
    if (!page.ok()) return page.status();
    request.set_page_token(page->next_page_token());
    page->clear_next_page_token();
    // Appends what is repeated.
    all.MergeFrom(*page);
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<v1::ListHeapsResponse> DaemonCalls::ListHeaps() {
  return CallAllPages(allocator_, &v1::Allocator::Stub::ListHeaps);
}

absl::StatusOr<v1::ListBuffersResponse> DaemonCalls::ListBuffers() {
  return CallAllPages(allocator_, &v1::Allocator::Stub::ListBuffers);
}

absl::StatusOr<v1::Heap> DaemonCalls::GetHeap(absl::string_view name) {
  v1::GetHeapRequest request;
  request.set_name(ResourceName("heaps", name));
  return Call(allocator_, &v1::Allocator::Stub::GetHeap, request);
}

absl::StatusOr<v1::Buffer> DaemonCalls::GetBuffer(absl::string_view name) {
  v1::GetBufferRequest request;
  request.set_name(ResourceName("buffers", name));
  return Call(allocator_, &v1::Allocator::Stub::GetBuffer, request);
}

absl::StatusOr<v1::AllocateBuffersResponse> DaemonCalls::Allocate(
    const v1::AllocateBuffersRequest& request, const ProgressCallback& on_progress) {
  if (absl::Status connected = Connect(allocator_); !connected.ok()) return connected;
  const client_internal::AllocationWatch watch(replies_, *allocator_.stub, request.request_id(),
                                               on_progress);
  return Call(allocator_, &v1::Allocator::Stub::AllocateBuffers, request);
}

absl::Status DaemonCalls::Release(absl::string_view name, absl::string_view token) {
  v1::ReleaseBufferRequest request;
  request.set_name(ResourceName("buffers", name));
  request.set_claim_token(std::string(token));
  return Call(allocator_, &v1::Allocator::Stub::ReleaseBuffer, request).status();
}

absl::StatusOr<v1::Reservation> DaemonCalls::Reserve(const v1::ReserveBuffersRequest& request,
                                                     const ProgressCallback& on_progress) {
  if (absl::Status connected = Connect(allocator_); !connected.ok()) return connected;
  const client_internal::AllocationWatch watch(replies_, *allocator_.stub, request.request_id(),
                                               on_progress);
  return Call(allocator_, &v1::Allocator::Stub::ReserveBuffers, request);
}

absl::StatusOr<v1::ListReservationsResponse> DaemonCalls::ListReservations() {
  return CallAllPages(allocator_, &v1::Allocator::Stub::ListReservations);
}

absl::StatusOr<v1::Reservation> DaemonCalls::GetReservation(absl::string_view name) {
  v1::GetReservationRequest request;
  request.set_name(ResourceName("reservations", name));
  return Call(allocator_, &v1::Allocator::Stub::GetReservation, request);
}

absl::Status DaemonCalls::DeleteReservation(absl::string_view name) {
  v1::DeleteReservationRequest request;
  request.set_name(ResourceName("reservations", name));
  return Call(allocator_, &v1::Allocator::Stub::DeleteReservation, request).status();
}

absl::StatusOr<v1::ListClientsResponse> DaemonCalls::ListClients() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListClients);
}

absl::StatusOr<v1::ListBuffersResponse> DaemonCalls::ListAllBuffers() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListBuffers);
}

absl::StatusOr<v1::ListReservationsResponse> DaemonCalls::ListAllReservations() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListReservations);
}

absl::StatusOr<v1::ListDiagnosesResponse> DaemonCalls::ListDiagnoses() {
  return CallAllPages(allocator_, &v1::Allocator::Stub::ListDiagnoses);
}

absl::StatusOr<v1::ListDiagnosesResponse> DaemonCalls::ListAllDiagnoses() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListDiagnoses);
}

template <typename Service>
absl::StatusOr<v1::Diagnosis> DaemonCalls::FindDiagnosis(Endpoint<Service>& endpoint,
                                                         absl::string_view name) {
  if (!name.empty()) {
    v1::GetDiagnosisRequest request;
    request.set_name(ResourceName("diagnoses", name));
    return Call(endpoint, &Service::Stub::GetDiagnosis, request);
  }
  v1::ListDiagnosesRequest request;
  request.set_page_size(1);
  absl::StatusOr<v1::ListDiagnosesResponse> newest =
      Call(endpoint, &Service::Stub::ListDiagnoses, request);
  if (!newest.ok()) return newest.status();
  if (!newest->diagnoses().empty()) return std::move(*newest->mutable_diagnoses(0));
  return Error(ErrorReason::DIAGNOSIS_NOT_FOUND,
               "no request has failed since the daemon was started");
}

absl::StatusOr<v1::Diagnosis> DaemonCalls::GetDiagnosis(absl::string_view name) {
  return FindDiagnosis(allocator_, name);
}

absl::StatusOr<v1::Diagnosis> DaemonCalls::GetAnyDiagnosis(absl::string_view name) {
  return FindDiagnosis(admin_, name);
}

absl::StatusOr<v1::ListPinnersResponse> DaemonCalls::ListPinners() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListPinners);
}

absl::StatusOr<v1::ServerInfo> DaemonCalls::GetServerInfo() {
  return Call(admin_, &v1::Admin::Stub::GetServerInfo, v1::GetServerInfoRequest());
}

absl::StatusOr<v1::ListAllocationsResponse> DaemonCalls::ListAllocations() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListAllocations);
}

absl::StatusOr<bool> DaemonCalls::WatchAllocations(
    const std::function<bool(const v1::Allocation&)>& show) {
  if (absl::Status connected = Connect(admin_); !connected.ok()) return connected;
  grpc::ClientContext context;
  std::atomic<bool> interrupted{false};
  const Interrupt::Scope cancel(interrupt_, Interrupt::CancelOnce([&] {
                                  interrupted = true;
                                  context.TryCancel();
                                }));
  const auto reader = admin_.stub->WatchAllocations(&context, v1::WatchAllocationsRequest());
  v1::Allocation allocation;
  bool wanted = true;
  while (wanted && reader->Read(&allocation)) wanted = show(allocation);
  if (!wanted) context.TryCancel();
  const absl::Status end = FromGrpcStatus(reader->Finish());
  if (interrupted || !wanted || end.ok()) return interrupted.load();
  return client_internal::Explain(end, admin_.path, absl::InfiniteDuration());
}

absl::StatusOr<v1::Metrics> DaemonCalls::GetMetrics() {
  return Call(admin_, &v1::Admin::Stub::GetMetrics, v1::GetMetricsRequest());
}

absl::StatusOr<v1::ReloadPolicyResponse> DaemonCalls::ReloadPolicy() {
  return Call(admin_, &v1::Admin::Stub::ReloadPolicy, v1::ReloadPolicyRequest());
}

absl::StatusOr<v1::CheckPolicyResponse> DaemonCalls::CheckPolicy(std::string text) {
  v1::CheckPolicyRequest request;
  request.set_text(std::move(text));
  return Call(admin_, &v1::Admin::Stub::CheckPolicy, request);
}

absl::StatusOr<v1::SetLogLevelResponse> DaemonCalls::SetLogLevel(v1::LogLevel level) {
  v1::SetLogLevelRequest request;
  request.set_level(level);
  return Call(admin_, &v1::Admin::Stub::SetLogLevel, request);
}

}  // namespace dmaheap::ctl

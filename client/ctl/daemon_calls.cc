#include "client/ctl/daemon_calls.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "client/internal/convert.h"
#include "client/internal/grpc_channel.h"
#include "client/internal/recovery.h"
#include "client/internal/socket_path.h"
#include "client/internal/unreachable.h"
#include "google/protobuf/empty.pb.h"
#include "proto/error.h"
#include "proto/grpc_status.h"
#include "proto/unique_fd.h"
#include "proto/wire.h"

namespace dmaheap::ctl {
namespace {

using client_internal::ResourceName;

// The most the daemon gives at once (allocator.proto).
constexpr int kPageSize = 1000;

// gRPC says of a failed connection only that it failed: the errno of one of our own says more.
absl::Status WhyUnreachable(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return client_internal::ConnectError(path, errno);
  if (connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    return absl::OkStatus();
  }
  return client_internal::ConnectError(path, errno);
}

absl::Status ExplainFailure(const absl::Status& status, const std::string& path,
                            absl::Duration timeout) {
  const bool from_grpc = GetReason(status) == ErrorReason::ERROR_REASON_UNSPECIFIED;
  if (from_grpc && status.code() == absl::StatusCode::kUnavailable) {
    if (absl::Status why = WhyUnreachable(path); !why.ok()) return why;
  }
  return client_internal::Explain(status, path, timeout);
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

template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> DaemonCalls::Call(
    Endpoint<Service>& endpoint,
    grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request) {
  if (absl::Status fits = client_internal::CheckSocketPath(endpoint.path); !fits.ok()) return fits;
  if (endpoint.stub == nullptr) {
    endpoint.stub = Service::NewStub(client_internal::MakeGrpcChannel(endpoint.path));
  }
  grpc::ClientContext context;
  client_internal::SetDeadline(context, deadline_);
  const Interrupt::Scope cancel(interrupt_,
                                Interrupt::CancelOnce([&context] { context.TryCancel(); }));
  Response response;
  const absl::Status status =
      FromGrpcStatus((endpoint.stub.get()->*method)(&context, request, &response));
  if (!status.ok()) return ExplainFailure(status, endpoint.path, timeout_);
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
    const v1::AllocateBuffersRequest& request) {
  return Call(allocator_, &v1::Allocator::Stub::AllocateBuffers, request);
}

absl::Status DaemonCalls::Release(absl::string_view name, absl::string_view token) {
  v1::ReleaseBufferRequest request;
  request.set_name(ResourceName("buffers", name));
  request.set_claim_token(std::string(token));
  return Call(allocator_, &v1::Allocator::Stub::ReleaseBuffer, request).status();
}

absl::StatusOr<v1::ListClientsResponse> DaemonCalls::ListClients() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListClients);
}

absl::StatusOr<v1::ListBuffersResponse> DaemonCalls::ListAllBuffers() {
  return CallAllPages(admin_, &v1::Admin::Stub::ListBuffers);
}

absl::StatusOr<v1::ReloadPolicyResponse> DaemonCalls::ReloadPolicy() {
  return Call(admin_, &v1::Admin::Stub::ReloadPolicy, v1::ReloadPolicyRequest());
}

absl::StatusOr<v1::SetLogLevelResponse> DaemonCalls::SetLogLevel(v1::LogLevel level) {
  v1::SetLogLevelRequest request;
  request.set_level(level);
  return Call(admin_, &v1::Admin::Stub::SetLogLevel, request);
}

}  // namespace dmaheap::ctl

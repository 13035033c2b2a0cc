#include "tests/bench/grpc_floor_client.h"

#include <sys/socket.h>

#include <utility>

#include "grpcpp/client_context.h"
#include "grpcpp/create_channel_posix.h"
#include "proto/fd_socket.h"
#include "proto/grpc_status.h"
#include "tests/bench/unix_socket.h"

namespace dmaheap::bench {

absl::StatusOr<std::unique_ptr<GrpcFloorClient>> GrpcFloorClient::Connect(
    const std::string& rpc_path, const std::string& fd_path) {
  auto fd_socket = ConnectUnix(fd_path, SOCK_SEQPACKET);
  if (!fd_socket.ok()) return fd_socket.status();
  auto greeting = ReceiveDatagram(fd_socket->get(), /*max_bytes=*/16, /*max_fds=*/0);
  if (!greeting.ok()) return greeting.status();
  // A socket that gRPC is given: cheaper than a channel by name, and what the client library does.
  auto rpc_socket = ConnectUnix(rpc_path, SOCK_STREAM | SOCK_NONBLOCK);
  if (!rpc_socket.ok()) return rpc_socket.status();
  return std::unique_ptr<GrpcFloorClient>(new GrpcFloorClient(
      *std::move(fd_socket), std::move(greeting->bytes),
      v1::Allocator::NewStub(grpc::CreateInsecureChannelFromFd("floor", rpc_socket->Take()))));
}

absl::Status GrpcFloorClient::Once(int64_t size_bytes) {
  grpc::ClientContext context;
  v1::AllocateBuffersRequest request;
  request.set_size_bytes(size_bytes);
  request.set_session_id(number_);
  v1::AllocateBuffersResponse response;
  const grpc::Status status = stub_->AllocateBuffers(&context, request, &response);
  if (!status.ok()) return FromGrpcStatus(status);
  auto answer = ReceiveDatagram(socket_.get(), /*max_bytes=*/1, /*max_fds=*/1);
  if (!answer.ok()) return answer.status();
  return answer->fds.size() == 1 ? absl::OkStatus() : absl::DataLossError("no fd came");
}

}  // namespace dmaheap::bench

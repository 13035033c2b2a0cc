#include "client/internal/link.h"

#include <utility>

#include "client/internal/fd_dial.h"
#include "client/internal/grpc_channel.h"

namespace dmaheap::client_internal {

absl::StatusOr<std::shared_ptr<Link>> DialLink(const Endpoint& endpoint, const Deadline& deadline) {
  absl::StatusOr<DialedChannel> channel =
      DialFdChannel(endpoint.fd_socket_path, endpoint.label, deadline);
  if (!channel.ok()) return channel.status();
  return RelinkSession(endpoint, std::make_shared<FdSession>(*std::move(channel)));
}

std::shared_ptr<Link> RelinkSession(const Endpoint& endpoint, std::shared_ptr<FdSession> session) {
  auto link = std::make_shared<Link>();
  link->session = std::move(session);
  const std::shared_ptr<grpc::Channel> channel = MakeGrpcChannel(endpoint.rpc_socket_path);
  // Starts to connect, so that the first call finds it done.
  channel->GetState(/*try_to_connect=*/true);
  link->stub = v1::Allocator::NewStub(channel);
  return link;
}

}  // namespace dmaheap::client_internal

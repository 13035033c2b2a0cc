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
  // Connects with the first call. To start here would save it next to nothing, for gRPC gets no
  // further than connect(2) while no call polls; but a channel that goes before that leaves its
  // socket open until gRPC gives up waiting for the server's SETTINGS, after 20 s.
  link->stub = v1::Allocator::NewStub(MakeGrpcChannel(endpoint.rpc_socket_path));
  return link;
}

}  // namespace dmaheap::client_internal

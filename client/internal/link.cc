#include "client/internal/link.h"

#include <utility>

#include "client/internal/fd_dial.h"
#include "client/internal/grpc_channel.h"

namespace dmaheap::client_internal {

absl::StatusOr<std::shared_ptr<Link>> DialLink(const Endpoint& endpoint, const Deadline& deadline) {
  absl::StatusOr<DialedChannel> channel =
      DialFdChannel(endpoint.fd_socket_path, endpoint.label,
                    /*gives_back=*/endpoint.on_give_back != nullptr, deadline);
  if (!channel.ok()) return channel.status();
  return RelinkSession(endpoint,
                       std::make_shared<FdSession>(*std::move(channel), endpoint.on_give_back));
}

absl::StatusOr<std::shared_ptr<Link>> RelinkSession(const Endpoint& endpoint,
                                                    std::shared_ptr<FdSession> session) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
      ConnectGrpcChannel(endpoint.rpc_socket_path);
  if (!channel.ok()) return channel.status();
  auto link = std::make_shared<Link>();
  link->session = std::move(session);
  link->stub = v1::Allocator::NewStub(*std::move(channel));
  return link;
}

}  // namespace dmaheap::client_internal

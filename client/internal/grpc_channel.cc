#include "client/internal/grpc_channel.h"

#include <grpc/support/time.h>
#include <sys/socket.h>

#include "client/internal/unix_connect.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/support/time.h"

namespace dmaheap::client_internal {

absl::StatusOr<std::shared_ptr<grpc::Channel>> ConnectGrpcChannel(const std::string& socket_path) {
  absl::StatusOr<UniqueFd> fd = ConnectUnix(socket_path, SOCK_STREAM);
  if (!fd.ok()) return fd.status();
  return grpc::CreateInsecureChannelFromFd("dmaheapd", fd->Take());
}

void SetDeadline(grpc::ClientContext& context, const Deadline& deadline) {
  if (deadline.infinite()) return;
  context.set_deadline(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(deadline.Remaining()), GPR_TIMESPAN)));
}

}  // namespace dmaheap::client_internal

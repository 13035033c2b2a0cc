#include "client/internal/grpc_channel.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>

#include "client/internal/socket_path.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/time.h"

namespace dmaheap::client_internal {

std::shared_ptr<grpc::Channel> MakeGrpcChannel(absl::string_view socket_path) {
  grpc::ChannelArguments arguments;
  // The daemon knows who calls by the connection: two Clients must not share one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // What is repeated, and when, is decided in recovery.h.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(GrpcTarget(socket_path), grpc::InsecureChannelCredentials(),
                                   arguments);
}

void SetDeadline(grpc::ClientContext& context, const Deadline& deadline) {
  if (deadline.infinite()) return;
  context.set_deadline(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(deadline.Remaining()), GPR_TIMESPAN)));
}

}  // namespace dmaheap::client_internal

// From a gRPC thread into the executor and back: the shape that all short calls share.

#ifndef DAEMON_TRANSPORT_RPC_CALL_H_
#define DAEMON_TRANSPORT_RPC_CALL_H_

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/limits.h"
#include "daemon/loop/executor.h"
#include "daemon/transport/identity_table.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "proto/grpc_status.h"

namespace dmaheap {

using Finish = absl::AnyInvocable<void(const absl::Status&)>;

// Looks up who calls, then runs body as a task; body calls its Finish once, then or later, after
// which nothing of the call (request, response) may be touched.
inline grpc::ServerUnaryReactor* RunTask(
    grpc::CallbackServerContext* context, Executor& executor, const IdentityTable& identities,
    absl::AnyInvocable<void(const PeerIdentity&, Finish)> body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto identity = identities.Find(context->peer());
  if (!identity.ok()) {
    reactor->Finish(ToGrpcStatus(identity.status()));
    return reactor;
  }
  executor.Post([reactor, peer = *std::move(identity), body = std::move(body)]() mutable {
    body(*peer, [reactor](const absl::Status& status) { reactor->Finish(ToGrpcStatus(status)); });
  });
  return reactor;
}

// For calls that answer at once: the status of an absl::StatusOr, its value into the response.
template <typename Response>
absl::Status Assign(absl::StatusOr<Response> value, Response& response) {
  if (!value.ok()) return value.status();
  response = *std::move(value);
  return absl::OkStatus();
}

// When the daemon has to have answered, in the executor's time: before the caller's deadline.
absl::Time AnswerBy(const grpc::CallbackServerContext& context, const Executor& executor);

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_RPC_CALL_H_

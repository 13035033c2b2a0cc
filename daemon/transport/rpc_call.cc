#include "daemon/transport/rpc_call.h"

#include <algorithm>
#include <chrono>

namespace dmaheap {

absl::Time AnswerBy(const grpc::CallbackServerContext& context, const Executor& executor) {
  // gRPC's deadline is of day, ours is not: only what remains carries over.
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  const absl::Duration remaining = absl::FromChrono(deadline - std::chrono::system_clock::now());
  const absl::Duration margin =
      std::clamp(remaining * kDeadlineMarginShare, kMinDeadlineMargin, kMaxDeadlineMargin);
  return executor.Now() + remaining - margin;
}

}  // namespace dmaheap

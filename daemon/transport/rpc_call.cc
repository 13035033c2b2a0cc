#include "daemon/transport/rpc_call.h"

#include <algorithm>
#include <chrono>

namespace dmaheap {
namespace {

// gRPC sends a timeout with two to three digits and rounds up: 1 % at most
// (src/core/lib/transport/timeout_encoding.cc of 1.51). By so much our deadline may be later than
// the caller's.
constexpr double kTimeoutRounding = 0.01;

}  // namespace

absl::Time AnswerBy(const grpc::CallbackServerContext& context, const Executor& executor) {
  // gRPC's deadline is of day, ours is not: only what remains carries over.
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  const absl::Duration remaining = absl::FromChrono(deadline - std::chrono::system_clock::now());
  const absl::Duration margin =
      std::clamp(remaining * kDeadlineMarginShare, kMinDeadlineMargin, kMaxDeadlineMargin);
  return executor.Now() + remaining * (1 - kTimeoutRounding) - margin;
}

}  // namespace dmaheap

#include "client/internal/backoff.h"

#include <algorithm>

#include "client/internal/random_id.h"

namespace dmaheap::client_internal {

Backoff::Backoff(uint64_t seed)
    : random_(std::minstd_rand(static_cast<uint32_t>(seed ^ (seed >> 32)) | 1u)) {}

absl::Duration Backoff::Next() {
  if (!random_.has_value()) *this = Backoff(RandomNumber());
  ++tries_;
  const absl::Duration step = step_;
  step_ = std::min(step_ * 2, kLongestBackoff);
  std::uniform_real_distribution<double> share(0.5, 1.0);
  return step * share(*random_);
}

}  // namespace dmaheap::client_internal

// How long to wait before the next try: doubling, with jitter, so that the clients of a restarted
// daemon do not come all at once.
//
// Pure but for its random state; not thread-safe.

#ifndef CLIENT_INTERNAL_BACKOFF_H_
#define CLIENT_INTERNAL_BACKOFF_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap::client_internal {

// The first try again comes within 10 ms (a daemon restarts in less than a second, most of which is
// its own), later ones at most half a second apart, so that a call of 5 s gets some ten of them.
inline constexpr absl::Duration kFirstBackoff = absl::Milliseconds(10);
inline constexpr absl::Duration kLongestBackoff = absl::Milliseconds(500);

class Backoff {
 public:
  // The same seed gives the same delays.
  explicit Backoff(uint64_t seed);
  // Seeded differently each time, when first needed: nearly every call gets on without a delay.
  Backoff() = default;

  // Between half and the whole of a step that doubles from kFirstBackoff to kLongestBackoff.
  absl::Duration Next();
  // Delays asked for so far.
  int tries() const { return tries_; }

 private:
  absl::Duration step_ = kFirstBackoff;
  int tries_ = 0;
  absl::optional<std::minstd_rand> random_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_BACKOFF_H_

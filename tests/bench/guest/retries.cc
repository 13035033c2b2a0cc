#include "tests/bench/guest/retries.h"

namespace dmaheap::bench {

absl::optional<absl::Duration> NextPause(const Retries& retries, int tries,
                                         absl::Duration elapsed) {
  if (tries >= retries.max_tries || elapsed + retries.pause >= retries.deadline) {
    return absl::nullopt;
  }
  return retries.pause;
}

}  // namespace dmaheap::bench

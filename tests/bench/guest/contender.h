// Somebody who wants the whole area at once, in their own way of dealing with failure.

#ifndef TESTS_BENCH_GUEST_CONTENDER_H_
#define TESTS_BENCH_GUEST_CONTENDER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace dmaheap::bench {

// What all contenders ask for: the whole area of cma=64M, by the name that this kernel gives it.
inline constexpr char kAreaHeap[] = "reserved";
inline constexpr int64_t kAreaBytes = 64 << 20;

// Nobody waits longer. Far above what a storm takes, and ten times what the long pin does.
inline constexpr absl::Duration kAttemptDeadline = absl::Seconds(20);

// One thread.
class Contender {
 public:
  virtual ~Contender() = default;

  // Blocks until it has the buffer or gives up.
  virtual absl::Status Allocate() = 0;
  // Gives back what it has.
  virtual void Release() = 0;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_CONTENDER_H_

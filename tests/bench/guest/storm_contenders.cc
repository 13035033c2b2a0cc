#include "tests/bench/guest/storm_contenders.h"

#include "tests/bench/guest/daemon_contender.h"
#include "tests/bench/guest/ioctl_contender.h"
#include "tests/bench/guest/retries.h"
#include "tests/vm/guest/users.h"

namespace dmaheap::bench {
namespace {

constexpr uid_t kRoot = 0;

// What Android's kernel does inside cma_alloc, which is where its number comes from.
constexpr Retries kOfAndroid = {.max_tries = 5, .pause = absl::Milliseconds(100)};

constexpr Retries kNaive = {.pause = absl::Milliseconds(1), .deadline = kAttemptDeadline};

}  // namespace

std::vector<ContenderKind> StormContenders() {
  return {
      {"direct", kRoot, [] { return MakeIoctlContender({.max_tries = 1}); }},
      {"kernel_5x100ms", kRoot, [] { return MakeIoctlContender(kOfAndroid); }},
      {"naive_1ms", kRoot, [] { return MakeIoctlContender(kNaive); }},
      {"dmaheapd", kHalUid, [] { return MakeDaemonContender("linux,cma-nofail"); }},
  };
}

}  // namespace dmaheap::bench

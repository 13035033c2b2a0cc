#include "tests/bench/guest/storm_contenders.h"

#include <utility>

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

// By a retry policy of storm_policy.textproto.
ContenderKind Daemon(std::string name, std::string retry_policy) {
  return {std::move(name), kHalUid,
          [retry_policy = std::move(retry_policy)] { return MakeDaemonContender(retry_policy); }};
}

}  // namespace

std::vector<ContenderKind> StormContenders() {
  return {
      {"direct", kRoot, [] { return MakeIoctlContender({.max_tries = 1}); }},
      {"kernel_5x100ms", kRoot, [] { return MakeIoctlContender(kOfAndroid); }},
      {"naive_1ms", kRoot, [] { return MakeIoctlContender(kNaive); }},
      Daemon("dmaheapd", ""),
      Daemon("dmaheapd_barrier", "nofail-box-50ms"),
      Daemon("box_5", "nofail-box-5ms"),
      Daemon("box_10", "nofail-box-10ms"),
      Daemon("box_20", "nofail-box-20ms"),
      Daemon("box_50", "nofail-box-50ms"),
  };
}

}  // namespace dmaheap::bench

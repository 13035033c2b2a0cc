#include "tests/bench/guest/trivial_kinds.h"

#include <sys/resource.h>
#include <sys/types.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "tests/bench/process_tree.h"

namespace dmaheap::bench {
namespace {

constexpr int64_t kMiB = 1 << 20;

// Of the broker.
absl::Status SetLimitOfFiles(const std::function<rlim_t(pid_t broker, rlimit now)>& choose) {
  const pid_t broker = ProcessWith("--role=broker");
  if (broker < 0) return absl::NotFoundError("no broker");
  rlimit limit = {};
  if (prlimit(broker, RLIMIT_NOFILE, nullptr, &limit) != 0) return ErrnoStatus(errno, "prlimit");
  limit.rlim_cur = choose(broker, limit);
  if (prlimit(broker, RLIMIT_NOFILE, &limit, nullptr) != 0) return ErrnoStatus(errno, "prlimit");
  return absl::OkStatus();
}

// No number is left below the limit: those of connections lie above the others.
rlim_t LowestFree(pid_t broker, rlimit) {
  std::error_code gone;
  rlim_t number = 0;
  while (std::filesystem::exists(
      std::filesystem::symlink_status(absl::StrCat("/proc/", broker, "/fd/", number), gone))) {
    ++number;
  }
  return number;
}

}  // namespace

std::vector<TrivialKind> TrivialKinds() {
  return {
      {.name = "missing_heap",
       .reason = "HEAP_NOT_FOUND",
       .heap = "no-such-heap",
       .size_bytes = kMiB,
       .retry_policy = "failfast"},
      {.name = "permission",
       .reason = "ACCESS_DENIED",
       .heap = "linux,cma-nofail",
       .size_bytes = kMiB,
       .retry_policy = "kernel-5x100ms"},
      {.name = "quota",
       .reason = "QUOTA_EXCEEDED",
       .heap = "system",
       .size_bytes = 257 * kMiB,
       .retry_policy = "failfast"},
      {.name = "fd_limit",
       .reason = "DAEMON_FD_LIMIT",
       .heap = "linux,cma-nofail",
       .size_bytes = kMiB,
       .retry_policy = "failfast",
       .begin = [] { return SetLimitOfFiles(&LowestFree); },
       .end = [] { return SetLimitOfFiles([](pid_t, rlimit now) { return now.rlim_max; }); }},
  };
}

}  // namespace dmaheap::bench

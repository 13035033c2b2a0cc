// How a request goes on after an attempt failed: the numbers of one named policy. What they lead to
// is decided by core/retry_decision.h; how they are written, by dmaheap/config/v1/policy.proto.

#ifndef DAEMON_CONFIG_RETRY_POLICY_H_
#define DAEMON_CONFIG_RETRY_POLICY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap {

// A cgroup to freeze while the next attempt runs, so that nobody in it forks or exits meanwhile.
struct BarrierUse {
  // As the daemon was told of it (--barrier-cgroup).
  std::string cgroup;
  // The longest that it stands still.
  absl::Duration box = absl::Milliseconds(50);
  // From the attempt after so many failures on.
  int after_attempts = 1;

  friend bool operator==(const BarrierUse& a, const BarrierUse& b) = default;
};

// Clients are asked to give buffers back.
struct ClientAskUse {
  // After so many failures.
  int after_attempts = 1;

  friend bool operator==(const ClientAskUse& a, const ClientAskUse& b) = default;
};

// File systems to sync before the next attempt, as the page in the way may wait to be written.
struct SyncUse {
  // Their mount points, as the daemon was told of them (--sync-filesystem).
  std::vector<std::string> filesystems = {};
  // The longest that a request waits for it.
  absl::Duration box = absl::Milliseconds(500);
  // From the attempt after so many failures on.
  int after_attempts = 1;

  friend bool operator==(const SyncUse& a, const SyncUse& b) = default;
};

// In the words of gRPC's service config. After the n-th failure (n from 1) the backoff is
// min(initial_backoff * multiplier^(n-1), max_backoff), drawn from +-jitter around it. Without
// max_attempts it stays at initial_backoff where each attempt is seen to be refused by another
// page.
struct RetryPolicy {
  std::string name;
  // The first attempt counts; 1 or more. Absent: as many as the other bounds leave time for.
  absl::optional<int> max_attempts = {};
  // From the acceptance of the request. The caller's deadline and its cancel bound it anyway.
  absl::Duration max_elapsed = absl::InfiniteDuration();
  // A pin by an exiting or forking process lasts about a millisecond: more than half are gone after
  // one.
  absl::Duration initial_backoff = absl::Milliseconds(1);
  // What Android's kernels sleep between their tries.
  absl::Duration max_backoff = absl::Milliseconds(100);
  // 1 or more.
  double multiplier = 2.0;
  // From 0 to 1.
  double jitter = 0.2;
  // Wait as long as pins on this area were seen to last, between initial_backoff and max_backoff,
  // once enough were seen. Not by itself: in a storm each attempt meets other pins, and longer
  // waits were measured to meet more of them, as the area fills up again meanwhile.
  bool learn = false;
  // Give up once one and the same page has been in the way for so long.
  absl::Duration give_up_when_stuck_for = absl::InfiniteDuration();
  // Heaps to try, in this order, instead of giving up. The response says which one served.
  std::vector<std::string> fallback_heaps = {};
  // Absent: none.
  absl::optional<BarrierUse> barrier = absl::nullopt;
  absl::optional<ClientAskUse> ask_clients = absl::nullopt;
  absl::optional<SyncUse> sync = absl::nullopt;

  friend bool operator==(const RetryPolicy& a, const RetryPolicy& b) = default;
};

// The longest wait, whatever max_backoff says, where the release of the page in the way is watched
// and ends it. Not of a policy that counts its attempts: it was written for its waits.
inline constexpr absl::Duration kLongestWatchedWait = absl::Seconds(1);

inline constexpr char kFailfastPolicy[] = "failfast";
inline constexpr char kDefaultPolicy[] = "default";
inline constexpr char kNofailPolicy[] = "nofail";
inline constexpr char kKernelPolicy[] = "kernel-5x100ms";

// The policies that are there whatever the file says; a file may replace them by name.
const std::vector<RetryPolicy>& ShippedRetryPolicies();

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_RETRY_POLICY_H_

// The policy where there is no policy file: useful at once, and bounded.

#ifndef DAEMON_CONFIG_BUILTIN_POLICY_H_
#define DAEMON_CONFIG_BUILTIN_POLICY_H_

#include <cstdint>

#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

// The quota of each uid. 512 MiB: more than twice what a camera takes at most, six 4K NV12 frames
// of 12 MiB for each of three streams. 1024: as many fds as a process may have by default
// (RLIMIT_NOFILE).
inline constexpr int64_t kBuiltinQuotaBytes = int64_t{512} << 20;
inline constexpr int64_t kBuiltinQuotaBuffers = 1024;

// Everybody may allocate and hold on every heap, by every retry policy and with normal priority,
// within the quota; uid 0 and operator_uid (who started the daemon) may go first, and inspect and
// change the daemon. Always valid.
config::v1::Policy BuiltinPolicyMessage(uint32_t operator_uid);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_BUILTIN_POLICY_H_

// Where a policy comes from: a file, a text, or what is built in.
//
// A policy is taken whole or not at all. Every error is INVALID_POLICY (INVALID_ARGUMENT); its text
// has one line for each thing that is wrong, in the order of the file:
//
//   /etc/dmaheapd/policy.textproto:7:3: access[1].heaps: ALLOCATE needs the heaps it is for; ...
//
// A failed system call is INVALID_POLICY too, with its errno (GetErrno of proto/errno_status.h).
// All functions are thread-safe.

#ifndef DAEMON_CONFIG_POLICY_FILE_H_
#define DAEMON_CONFIG_POLICY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/config/effective_policy.h"
#include "proto/unique_fd.h"
#include "proto/wire.h"

namespace dmaheap {

inline constexpr size_t kMaxPolicyFileBytes = kMaxPolicyBytes;

// Opens, reads and checks the file at path. It must be a regular file of at most
// kMaxPolicyFileBytes, not a symbolic link; a FIFO or a device does not block. Read from one fd, so
// that a file which is replaced meanwhile is read whole, before or after; one that is written to
// meanwhile is refused.
absl::StatusOr<EffectivePolicy> ReadPolicyFile(const std::string& path);

// The two halves of ReadPolicyFile, for a process that may open the file and one that reads it.
// The fd is O_CLOEXEC. ReadPolicyFd borrows it and reads from its start; path is for messages.
absl::StatusOr<UniqueFd> OpenPolicyFile(const std::string& path);
absl::StatusOr<EffectivePolicy> ReadPolicyFd(int fd, absl::string_view path);

// Checks text in the text format of proto/dmaheap/config/v1/policy.proto. file_name is for
// messages.
absl::StatusOr<EffectivePolicy> ParsePolicy(absl::string_view text, absl::string_view file_name);

// The policy without a policy file (builtin_policy.h). operator_uid: who started the daemon.
EffectivePolicy BuiltinPolicy(uint32_t operator_uid);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_POLICY_FILE_H_

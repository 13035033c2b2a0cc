// What broker, keeper and prober say to each other about a barrier, over connected SOCK_SEQPACKET
// sockets: broker and keeper over one, keeper and prober over another.
//
//   broker -> keeper   BarrierRequest   freeze cgroup N for at most so long; thaw
//   keeper -> prober   GuardRequest     does cgroup N hold one of these, or one the machine needs?
//   prober -> keeper   GuardReply
//   keeper -> broker   BarrierReply     frozen; thawed after so long; refused, and why
//
// A cgroup is named by its place on the command line, which all three have, so that a broker that
// was taken over can name no other. Every message has one fixed size and only numbers in it: the
// keeper copies it and compares, it parses nothing. All ends are the same binary, so the layout is
// that of the compiler, in host order; version guards against another one.

#ifndef DAEMON_HANDOVER_BARRIER_WIRE_H_
#define DAEMON_HANDOVER_BARRIER_WIRE_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace dmaheap {

inline constexpr uint32_t kBarrierWireVersion = 1;

// As many sessions as there can be (kMaxSessions of daemon/limits.h), and some of our own.
inline constexpr uint32_t kMaxGuardedClients = 256;
inline constexpr uint32_t kMaxGuardedPids = kMaxGuardedClients + 8;

enum class BarrierOp : uint32_t { kFreeze = 1, kThaw = 2 };

struct BarrierRequest {
  uint32_t version = kBarrierWireVersion;
  BarrierOp op = BarrierOp::kFreeze;
  // Comes back in the replies; a thaw names that of its freeze.
  uint64_t sequence = 0;
  uint32_t cgroup = 0;
  uint32_t box_microseconds = 0;
  // Processes that have a session.
  uint32_t client_count = 0;
  uint32_t reserved = 0;
  int32_t clients[kMaxGuardedClients] = {};
};

enum class BarrierEvent : uint32_t { kFrozen = 1, kThawed = 2, kRefused = 3 };

// Why a barrier was refused, or ended.
enum class BarrierReason : uint32_t {
  kNone = 0,
  // No such place on the command line.
  kNoSuchCgroup = 1,
  // Shorter or longer than a box may be.
  kBadBox = 2,
  // Another barrier is asked for, or stands.
  kOtherBarrier = 3,
  // The thaw of an earlier one is not confirmed.
  kThawPending = 4,
  // By somebody else, who also thaws it.
  kAlreadyFrozen = 5,
  // 5 % of any second are used up; nanoseconds says for how long.
  kOverBudget = 6,
  // There is no prober to look who is in it.
  kNoProber = 7,
  kSilentProber = 8,
  // Members that may not be frozen, pid says which.
  kHoldsUs = 9,
  kHoldsClient = 10,
  kHoldsVital = 11,
  // The members could not be told; error_number says why.
  kMembersUnknown = 12,
  // Its files, or the record, could not be used; error_number says why.
  kFileError = 13,
  // The box ended before all of it stood still.
  kNotInTime = 14,
  // Asked to thaw.
  kAsked = 15,
  kBoxOver = 16,
  // One of the daemon's processes ended, or the daemon stops.
  kStopping = 17,
};

struct BarrierReply {
  uint32_t version = kBarrierWireVersion;
  BarrierEvent event = BarrierEvent::kRefused;
  uint64_t sequence = 0;
  BarrierReason reason = BarrierReason::kNone;
  int32_t error_number = 0;
  int32_t pid = 0;
  uint32_t reserved = 0;
  // Of kThawed: how long it was frozen. Of kOverBudget: how long until it may be.
  int64_t nanoseconds = 0;
};

struct GuardRequest {
  uint32_t version = kBarrierWireVersion;
  uint32_t cgroup = 0;
  uint64_t sequence = 0;
  uint32_t pid_count = 0;
  uint32_t reserved = 0;
  int32_t pids[kMaxGuardedPids] = {};
};

enum class GuardFinding : uint32_t {
  // None of pids, and none that the machine needs, at any depth.
  kClear = 1,
  // pid is one of pids.
  kListed = 2,
  // pid is init, a service manager or a logger.
  kVital = 3,
  // Could not be told, error_number says why: EREMOTE for a process of a pid namespace above ours,
  // whose number the kernel does not tell.
  kUnknown = 4,
};

struct GuardReply {
  uint32_t version = kBarrierWireVersion;
  GuardFinding finding = GuardFinding::kUnknown;
  uint64_t sequence = 0;
  int32_t pid = 0;
  int32_t error_number = 0;
};

static_assert(sizeof(BarrierRequest) == 32 + 4 * kMaxGuardedClients);
static_assert(sizeof(BarrierReply) == 40);
static_assert(sizeof(GuardRequest) == 24 + 4 * kMaxGuardedPids);
static_assert(sizeof(GuardReply) == 24);

template <typename Message>
std::string EncodeBarrierMessage(const Message& message) {
  static_assert(std::is_trivially_copyable_v<Message>);
  return std::string(reinterpret_cast<const char*>(&message), sizeof(message));
}

// Absent for bytes of another size or version. Numbers in it are not checked.
template <typename Message>
absl::optional<Message> DecodeBarrierMessage(absl::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<Message>);
  Message message;
  if (bytes.size() != sizeof(message)) return absl::nullopt;
  memcpy(&message, bytes.data(), sizeof(message));
  if (message.version != kBarrierWireVersion) return absl::nullopt;
  return message;
}

}  // namespace dmaheap

#endif  // DAEMON_HANDOVER_BARRIER_WIRE_H_

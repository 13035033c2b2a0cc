// What the prober says to a scout and to the scouts' zygote, and hears from them: one datagram of a
// fixed size each, between processes that are forks of one another.

#ifndef DAEMON_DIAGNOSIS_PROBER_SCOUT_WIRE_H_
#define DAEMON_DIAGNOSIS_PROBER_SCOUT_WIRE_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace dmaheap {

enum class ScoutLook : uint32_t {
  // Takes a reference to each page of a pipe and gives it up. The file: the pipe, by O_PATH.
  kTouchPipe = 1,
  // Whether a process waits for a direct transfer of a frame. The file: the folder /proc/PID.
  kTransfer = 2,
};

// With it comes one file, which is where to look.
struct ScoutQuestion {
  ScoutLook look = ScoutLook::kTouchPipe;
  uint32_t reserved = 0;
  uint64_t frame = 0;
  // How long to look at most, as far as that is the scout's to say.
  int64_t microseconds = 0;
};

// Bits of ScoutAnswer.flags.
// All of it was looked at; what is gone was.
inline constexpr uint32_t kScoutWhole = 1;
inline constexpr uint32_t kScoutFound = 2;

struct ScoutAnswer {
  uint32_t flags = 0;
};

// The zygote is asked to end the scout that it started last, and for another one.
struct ScoutWanted {
  uint32_t reserved = 0;
};

// With it comes the socket to the new one, unless there is none.
struct ScoutStarted {
  int32_t pid = 0;
  // EAGAIN: too many are left that have not ended yet.
  int32_t error_number = 0;
};

template <typename Message>
std::string EncodeScoutMessage(const Message& message) {
  static_assert(std::is_trivially_copyable_v<Message>);
  return std::string(reinterpret_cast<const char*>(&message), sizeof(message));
}

// Absent for bytes of another size.
template <typename Message>
absl::optional<Message> DecodeScoutMessage(absl::string_view bytes) {
  Message message;
  if (bytes.size() != sizeof(message)) return absl::nullopt;
  memcpy(&message, bytes.data(), sizeof(message));
  return message;
}

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_SCOUT_WIRE_H_

// What a broker says to its keeper, in the words of sd_notify(3).
//
// A pure parser. Keys that are not known are passed over, as systemd does, so that a newer
// libsystemd may add some.

#ifndef DAEMON_KEEPER_NOTIFY_MESSAGE_H_
#define DAEMON_KEEPER_NOTIFY_MESSAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace dmaheap {

// systemd itself reads at most a page (NOTIFY_BUFFER_MAX of its src/core/manager.c).
inline constexpr size_t kMaxNotifyBytes = 4096;

struct NotifyMessage {
  bool ready = false;
  bool stopping = false;
  bool watchdog = false;
  bool fd_store = false;
  bool fd_store_remove = false;
  // sd_notify_barrier(3): the fd beside it is closed once everything before was done.
  bool barrier = false;
  absl::optional<std::string> status;
  // Set where fd_store or fd_store_remove is.
  std::string fd_name;
};

// INVALID_ARGUMENT for a message that is empty or too long, holds a NUL byte or a line without "=",
// stores or removes without a name, or does both; and for a name that IsFdName does not take.
absl::StatusOr<NotifyMessage> ParseNotifyMessage(absl::string_view bytes);

// Whether a name may travel in LISTEN_FDNAMES: 1 to 255 printable ASCII characters
// (sd_pid_notify_with_fds(3)), without the colon that separates names and without space, quotes and
// backslash, which libsystemd's reader of that list would take for something else.
bool IsFdName(absl::string_view name);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_NOTIFY_MESSAGE_H_

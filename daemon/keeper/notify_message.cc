#include "daemon/keeper/notify_message.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dmaheap {
namespace {

// FDNAME_MAX of systemd.
constexpr size_t kMaxFdNameBytes = 255;

void TakeAssignment(absl::string_view key, absl::string_view value, NotifyMessage& message) {
  const bool is_one = value == "1";
  if (key == "READY") message.ready = is_one;
  if (key == "STOPPING") message.stopping = is_one;
  if (key == "WATCHDOG") message.watchdog = is_one;
  if (key == "FDSTORE") message.fd_store = is_one;
  if (key == "FDSTOREREMOVE") message.fd_store_remove = is_one;
  if (key == "BARRIER") message.barrier = is_one;
  if (key == "STATUS") message.status = std::string(value);
  if (key == "FDNAME") message.fd_name = std::string(value);
}

}  // namespace

bool IsFdName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxFdNameBytes) return false;
  for (const char c : name) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) return false;
    if (c == ':' || c == '\\' || c == '"' || c == '\'') return false;
  }
  return true;
}

absl::StatusOr<NotifyMessage> ParseNotifyMessage(absl::string_view bytes) {
  if (bytes.empty()) return absl::InvalidArgumentError("the notification is empty");
  if (bytes.size() > kMaxNotifyBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the notification has ", bytes.size(), " bytes, more than ", kMaxNotifyBytes));
  }
  if (bytes.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("the notification holds a NUL byte");
  }
  NotifyMessage message;
  for (const absl::string_view line : absl::StrSplit(bytes, '\n')) {
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("the notification has a line without KEY=: \"",
                                                     absl::CHexEscape(line.substr(0, 64)), "\""));
    }
    TakeAssignment(line.substr(0, equals), line.substr(equals + 1), message);
  }
  if (message.fd_store && message.fd_store_remove) {
    return absl::InvalidArgumentError("the notification both stores and removes fds");
  }
  if ((message.fd_store || message.fd_store_remove) && !IsFdName(message.fd_name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "FDNAME \"", absl::CHexEscape(message.fd_name.substr(0, 64)),
        "\" is not 1 to 255 printable characters without space, colon, quote and backslash"));
  }
  return message;
}

}  // namespace dmaheap

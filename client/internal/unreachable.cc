#include "client/internal/unreachable.h"

#include <unistd.h>

#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap::client_internal {
namespace {

// What to do, by what connect(2) said (unix(7)).
absl::string_view Remedy(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return "there is no such socket: start dmaheapd, or set the socket folder "
             "(DMAHEAPD_SOCKET_DIR) to the daemon's";
    case ECONNREFUSED:
      return "the socket is there but no daemon listens on it: it stopped or is starting again; "
             "start dmaheapd, or try again shortly";
    case EAGAIN:
      return "the daemon does not keep up with new connections; try again shortly";
    case EMFILE:
    case ENFILE:
      return "this process or machine has no file descriptor left; close some";
    default:
      return "look at the socket and at the daemon's log";
  }
}

int NumberOr0(const absl::Status& status, absl::string_view key) {
  int number = 0;
  const auto value = GetErrorValue(status, key);
  if (!value.has_value() || !absl::SimpleAtoi(*value, &number)) return 0;
  return number;
}

std::string Range(int min, int max) {
  if (min == max) return absl::StrCat("wire version ", min);
  return absl::StrCat("wire versions ", min, " to ", max);
}

}  // namespace

absl::Status ConnectError(absl::string_view socket_path, int error_number) {
  const std::string name = ErrnoName(error_number);
  if (error_number == EACCES || error_number == EPERM) {
    return Error(ErrorReason::ACCESS_DENIED,
                 absl::StrCat("uid ", geteuid(), " may not connect to ", socket_path, " (", name,
                              "); the socket's owner, group and mode, or the security policy, say "
                              "who may"))
        .With("socket_path", socket_path)
        .With("uid", geteuid())
        .With("errno", name);
  }
  return Error(ErrorReason::DAEMON_UNREACHABLE,
               absl::StrCat("can not reach dmaheapd at ", socket_path, " (", name,
                            "): ", Remedy(error_number)))
      .With("socket_path", socket_path)
      .With("errno", name);
}

absl::Status SilentDaemonError(absl::string_view socket_path, absl::Duration waited) {
  // What is left of 50ms when it is first looked at is 49.998ms.
  const std::string text = absl::FormatDuration(absl::Ceil(waited, absl::Milliseconds(1)));
  return Error(ErrorReason::DAEMON_UNREACHABLE,
               absl::StrCat("dmaheapd at ", socket_path,
                            " let us connect but did not answer the handshake within ", text,
                            ": it is starting again, hangs or is overloaded; try again shortly, or "
                            "look at its log"))
      .With("socket_path", socket_path)
      .With("waited", text);
}

absl::Status HandshakeClosedError(absl::string_view socket_path) {
  return Error(ErrorReason::DAEMON_UNREACHABLE,
               absl::StrCat("dmaheapd at ", socket_path,
                            " closed the connection during the handshake: it is stopping or at a "
                            "limit; try again shortly"))
      .With("socket_path", socket_path);
}

absl::Status WireVersionError(int daemon_min, int daemon_max, absl::string_view daemon_version) {
  const std::string ours = Range(kMinWireVersion, kMaxWireVersion);
  std::string theirs = "no version that this library knows";
  std::string remedy = "bring both to the same release";
  if (daemon_max > 0) {
    theirs = Range(daemon_min, daemon_max);
    if (daemon_max < kMinWireVersion) remedy = "the daemon is the older one: update dmaheapd";
    if (daemon_min > kMaxWireVersion) {
      remedy = "this library is the older one: update the client's libdmaheap";
    }
  }
  return Error(ErrorReason::WIRE_VERSION_UNSUPPORTED,
               absl::StrCat("libdmaheap ", kVersion, " speaks ", ours, " and dmaheapd",
                            daemon_version.empty() ? "" : " ", daemon_version, " speaks ", theirs,
                            "; ", remedy))
      .With("library_min_wire_version", kMinWireVersion)
      .With("library_max_wire_version", kMaxWireVersion)
      .With("library_version", kVersion)
      .With("daemon_min_wire_version", daemon_min)
      .With("daemon_max_wire_version", daemon_max)
      .With("daemon_version", daemon_version);
}

absl::Status ExplainRefusal(const absl::Status& refusal) {
  if (refusal.ok()) {
    return Error(ErrorReason::INTERNAL_ERROR, "the daemon refused the session and gave no reason");
  }
  if (GetReason(refusal) != ErrorReason::WIRE_VERSION_UNSUPPORTED) return refusal;
  return WireVersionError(NumberOr0(refusal, "daemon_min_wire_version"),
                          NumberOr0(refusal, "daemon_max_wire_version"),
                          GetErrorValue(refusal, "daemon_version").value_or(""));
}

}  // namespace dmaheap::client_internal

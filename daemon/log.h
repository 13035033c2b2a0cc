// The log of all three processes: lines of key=value on standard error, through spdlog.
//
//   2026-01-31T09:15:02.123+01:00 info keeper event=child_exited child=broker pid=4711 signal=9
//
// A line begins with event=NAME and goes on with key=value pairs; whatever came from outside (a
// client's label, a path, an error text) goes through LogValue, so that it can neither end a line
// nor pretend to be another key. Write with spdlog::info("event=... key={}", LogValue(text)).
// Thread-safe after InitLog, which is called once, before any thread is started.

#ifndef DAEMON_LOG_H_
#define DAEMON_LOG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dmaheap {

// Makes spdlog's default logger the one described above. INVALID_ARGUMENT for a level that is not
// trace, debug, info, warn or error.
absl::Status InitLog(absl::string_view level, absl::string_view process);

// Changes the level while running. INVALID_ARGUMENT as above.
absl::Status SetLogLevel(absl::string_view level);

// The level in force, by name.
absl::string_view GetLogLevel();

// text as a value: as it is if it is made of printable ASCII without space, quote, backslash and =;
// else in double quotes with \", \\, \n and \xNN.
std::string LogValue(absl::string_view text);

// error="..." with code=NAME before it: how a failed status stands in a line.
std::string LogStatus(const absl::Status& status);

}  // namespace dmaheap

#endif  // DAEMON_LOG_H_

#include "client/ctl/verbs_admin.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/ctl/daemon_calls.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/json_text.h"
#include "client/ctl/units_text.h"

namespace dmaheap::ctl {
namespace {

// A change has no data to show: what happened is a message, but -o json gets the answer itself.
absl::StatusOr<int> Tell(Format format, const google::protobuf::Message& answer,
                         const std::string& text, const Streams& streams) {
  if (format == Format::kJson) {
    absl::StatusOr<std::string> json = JsonText(answer, JsonFields::kWhole);
    if (!json.ok()) return json.status();
    streams.out << *json;
  } else {
    streams.err << "dmaheapctl: " << Printable(text) << "\n";
  }
  return kExitOk;
}

}  // namespace

absl::StatusOr<int> Reload(const Arguments& arguments, Interrupt& interrupt,
                           const Streams& streams) {
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  const auto answer = daemon.ReloadPolicy();
  if (!answer.ok()) return answer.status();
  return Tell(arguments.format, *answer,
              answer->policy_path().empty()
                  ? "the daemon has no policy file; the built-in policy stands"
                  : absl::StrCat("the daemon read the policy ", answer->policy_path()),
              streams);
}

absl::StatusOr<int> SetLogLevel(const Arguments& arguments, Interrupt& interrupt,
                                const Streams& streams) {
  v1::LogLevel level = v1::LOG_LEVEL_UNSPECIFIED;
  if (!v1::LogLevel_Parse(absl::AsciiStrToUpper(arguments.log_level), &level)) {
    return absl::InvalidArgumentError(absl::StrCat("no log level ", arguments.log_level));
  }
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  const auto answer = daemon.SetLogLevel(level);
  if (!answer.ok()) return answer.status();
  return Tell(arguments.format, *answer,
              absl::StrCat("the log level is ", arguments.log_level, ", it was ",
                           absl::AsciiStrToLower(v1::LogLevel_Name(answer->previous_level()))),
              streams);
}

}  // namespace dmaheap::ctl

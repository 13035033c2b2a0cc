#include "client/ctl/verbs_policy.h"

#include <string>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/ctl/daemon_calls.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/json_text.h"
#include "client/ctl/read_file.h"
#include "client/ctl/units_text.h"
#include "proto/wire.h"

namespace dmaheap::ctl {
namespace {

// As compilers write it, so that editors find the place.
void Show(absl::string_view file, const v1::PolicyProblem& problem, std::ostream& err) {
  err << Printable(file) << ":" << problem.line() << ":" << problem.column() << ": ";
  if (!problem.field().empty()) err << Printable(problem.field()) << ": ";
  err << Printable(problem.problem()) << "\n";
}

}  // namespace

absl::StatusOr<int> PolicyCheck(const Arguments& arguments, Interrupt& interrupt,
                                const Streams& streams) {
  absl::StatusOr<std::string> text = ReadFile(arguments.file, streams.in, kMaxPolicyBytes);
  if (!text.ok()) return text.status();
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  const auto answer = daemon.CheckPolicy(*std::move(text));
  if (!answer.ok()) return answer.status();
  const int code = answer->problems().empty() ? kExitOk : kExitUsage;
  if (arguments.format == Format::kJson) {
    absl::StatusOr<std::string> json = JsonText(*answer, JsonFields::kWhole);
    if (!json.ok()) return json.status();
    streams.out << *json;
    return code;
  }
  for (const v1::PolicyProblem& problem : answer->problems()) {
    Show(arguments.file, problem, streams.err);
  }
  if (code != kExitOk) return code;
  const std::string& explanation = answer->explanation();
  for (const absl::string_view line : absl::StrSplit(explanation, '\n', absl::AllowEmpty())) {
    // Each line has its end; behind the last there is none.
    if (line.data() == explanation.data() + explanation.size()) break;
    streams.out << Printable(line) << "\n";
  }
  return code;
}

}  // namespace dmaheap::ctl

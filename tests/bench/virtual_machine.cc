#include "tests/bench/virtual_machine.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "tests/bench/child_process.h"
#include "tests/bench/progress.h"
#include "tests/bench/runfile.h"

namespace dmaheap::bench {
namespace {

constexpr absl::string_view kVm = "tests/vm/vm";

// So that the machine tells what it hung at before it is ended.
constexpr absl::Duration kMargin = absl::Seconds(15);

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string NameOf(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

absl::StatusOr<std::string> RunInVirtualMachine(const GuestCommand& command,
                                                const RunFolder& folder) {
  const std::string out = folder.Below("out");
  const std::string log = folder.Below("daemon.log");
  const absl::Duration limit = command.limit - kMargin;
  // What the machine leaves behind if it is killed is gone with the folder.
  std::vector<std::string> words = {"/usr/bin/env",
                                    absl::StrCat("TMPDIR=", folder.Below("")),
                                    Runfile(kVm),
                                    absl::StrCat("--timeout=", absl::ToInt64Seconds(limit)),
                                    absl::StrCat("--out=", out),
                                    absl::StrCat("--log=", log),
                                    absl::StrCat("--file=", Runfile(command.program))};
  for (const std::string& file : command.files) {
    words.push_back(absl::StrCat("--file=", Runfile(file)));
  }
  words.insert(words.end(), command.options.begin(), command.options.end());
  words.push_back("--");
  words.push_back(NameOf(command.program));
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());

  auto machine = ChildProcess::Start(words, "");
  if (!machine.ok()) return machine.status();
  const auto code = (*machine)->WaitEnd(command.limit);
  if (!code.ok()) return code.status();
  if (*code != 0) {
    if (const std::string text = ReadFile(log); !text.empty()) {
      Say(absl::StrCat("the daemon's log:\n", text));
    }
    return absl::InternalError(absl::StrCat("in the virtual machine ", NameOf(command.program),
                                            " ended with code ", *code));
  }
  const std::string result = absl::StrCat(out, "/", NameOf(std::string(kGuestResult)));
  if (!std::filesystem::exists(result)) {
    return absl::NotFoundError("the virtual machine left no result");
  }
  return ReadFile(result);
}

}  // namespace dmaheap::bench

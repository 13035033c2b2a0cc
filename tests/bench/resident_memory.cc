#include "tests/bench/resident_memory.h"

#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace dmaheap::bench {
namespace {

absl::StatusOr<double> MebibytesOf(absl::string_view status, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (!absl::ConsumePrefix(&line, absl::StrCat(key, ":"))) continue;
    int64_t kibibytes = 0;
    if (absl::ConsumeSuffix(&line, " kB") &&
        absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &kibibytes)) {
      return static_cast<double>(kibibytes) / 1024;
    }
  }
  return absl::DataLossError(absl::StrCat("no ", key, " in /proc/PID/status"));
}

}  // namespace

absl::StatusOr<ResidentMemory> ParseResidentMemory(absl::string_view status) {
  const auto all = MebibytesOf(status, "VmRSS");
  if (!all.ok()) return all.status();
  const auto anonymous = MebibytesOf(status, "RssAnon");
  if (!anonymous.ok()) return anonymous.status();
  return ResidentMemory{*all, *anonymous};
}

absl::StatusOr<ResidentMemory> ResidentMemoryOf(pid_t pid) {
  std::stringstream text;
  text << std::ifstream(absl::StrCat("/proc/", pid, "/status")).rdbuf();
  return ParseResidentMemory(text.str());
}

}  // namespace dmaheap::bench

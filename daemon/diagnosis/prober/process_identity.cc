#include "daemon/diagnosis/prober/process_identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// A process whose locks are taken is not waited for. A box of its own: a name that is known is
// worth more than the time.
constexpr absl::Duration kNameTimeBox = absl::Milliseconds(5);

// A line for each hierarchy, of which the last is the one that counts.
constexpr size_t kCgroupBytes = 16384;

}  // namespace

bool RunsAProgram(int proc, const std::string& pid) {
  char target[1];
  return readlinkat(proc, (pid + "/exe").c_str(), target, sizeof(target)) >= 0 || errno != ENOENT;
}

void PutText(absl::string_view text, char* place, size_t bytes) {
  constexpr absl::string_view kCut = "...";
  const size_t room = bytes - 1;
  char* end = place;
  if (text.size() > room) {
    end = std::copy(kCut.begin(), kCut.end(), end);
    text.remove_prefix(text.size() - (room - kCut.size()));
  }
  *std::copy(text.begin(), text.end(), end) = '\0';
}

absl::string_view CgroupPathOf(absl::string_view text) {
  absl::string_view first;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    // "HIERARCHY:CONTROLLERS:PATH".
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[0] == "0") return parts[2];
    if (first.empty()) first = parts[2];
  }
  return first;
}

ProcessRecord DescribeProcess(int process, int32_t pid) {
  ProcessRecord record{.pid = pid};
  struct stat owner;
  if (fstat(process, &owner) == 0) record.uid = owner.st_uid;
  const auto read = [&](absl::string_view file, size_t limit) -> std::string {
    const absl::StatusOr<UniqueFd> opened = OpenFileBelow(process, file);
    if (!opened.ok()) return "";
    const absl::StatusOr<FileText> text = ReadAll(opened->get(), limit, TimeBox(kNameTimeBox));
    return text.ok() ? std::string(absl::StripTrailingAsciiWhitespace(text->bytes)) : "";
  };
  const std::string name = read("comm", sizeof(record.name));
  PutText(name.substr(0, sizeof(record.name) - 1), record.name, sizeof(record.name));
  PutText(CgroupPathOf(read("cgroup", kCgroupBytes)), record.cgroup, sizeof(record.cgroup));
  char target[PATH_MAX];
  const ssize_t length = readlinkat(process, "exe", target, sizeof(target));
  PutText(absl::string_view(target, static_cast<size_t>(std::max<ssize_t>(length, 0))),
          record.executable, sizeof(record.executable));
  return record;
}

}  // namespace dmaheap

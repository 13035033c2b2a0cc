#include "daemon/diagnosis/prober/fork_scanner.h"

#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/diagnosis/prober/mapper_scanner.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/decimal.h"

namespace dmaheap {
namespace {

constexpr size_t kStatBytes = 1024;
// Behind the name: STATE PARENT ... and the time of the start, the 22nd field of the whole.
constexpr size_t kParentField = 1;
constexpr size_t kStartField = 19;

absl::optional<ProcessOrigin> OriginOf(int proc, const std::string& pid, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(proc, pid + "/stat");
  if (!file.ok()) return absl::nullopt;
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kStatBytes, box);
  if (!text.ok()) return absl::nullopt;
  return ParseProcessOrigin(text->bytes, sysconf(_SC_CLK_TCK));
}

}  // namespace

absl::optional<ProcessOrigin> ParseProcessOrigin(absl::string_view stat, int64_t ticks) {
  // The name may hold anything.
  const size_t name_end = stat.rfind(')');
  if (name_end == absl::string_view::npos || ticks <= 0) return absl::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(name_end + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
  ProcessOrigin origin;
  int64_t start = 0;
  if (fields.size() <= kStartField || !ParseDecimal(fields[kParentField], origin.parent) ||
      !ParseDecimal(fields[kStartField], start)) {
    return absl::nullopt;
  }
  origin.began = absl::Seconds(1) * start / ticks;
  return origin;
}

bool IsMappedByForker(const UniqueFd& proc, uint64_t frame, absl::Duration since_boot,
                      const TimeBox& box, absl::FunctionRef<bool()> go_on) {
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(proc, box);
  if (!names.ok()) return false;
  std::set<int32_t> forkers;
  for (const std::string& name : *names) {
    int32_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid <= 0) continue;
    if (box.Ended() || !go_on()) return false;
    const absl::optional<ProcessOrigin> origin = OriginOf(proc.get(), name, box);
    if (!origin.has_value() || origin->parent <= 0) continue;
    if (since_boot - origin->began < kYoung) forkers.insert(origin->parent);
  }
  for (const int32_t pid : forkers) {
    if (box.Ended() || !go_on()) return false;
    const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc.get(), absl::StrCat(pid));
    if (process.ok() && MapsFrame(process->get(), frame, box)) return true;
  }
  return false;
}

}  // namespace dmaheap

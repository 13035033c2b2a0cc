#include "daemon/diagnosis/prober/process_origin.h"

#include <unistd.h>

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/decimal.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr size_t kStatBytes = 1024;
// Behind the name: STATE PARENT ... and the time of the start, the 22nd field of the whole.
constexpr size_t kParentField = 1;
constexpr size_t kStartField = 19;

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

absl::optional<ProcessOrigin> ReadProcessOrigin(int process, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(process, "stat");
  if (!file.ok()) return absl::nullopt;
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kStatBytes, box);
  if (!text.ok()) return absl::nullopt;
  return ParseProcessOrigin(text->bytes, sysconf(_SC_CLK_TCK));
}

}  // namespace dmaheap

#include "tests/bench/report_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace dmaheap::bench {
namespace {

constexpr size_t kColumns = 5;
// The figures; the other columns are words.
constexpr size_t kValueColumn = 1;
using Line = std::array<std::string, kColumns>;

std::string Figure(double value, absl::string_view unit) {
  // Of 300, one lost is to be seen.
  if (unit == "ratio") return absl::StrFormat("%.3f", value);
  return std::abs(value) >= 1000 ? absl::StrFormat("%.0f", value) : absl::StrFormat("%.1f", value);
}

std::string Target(const Row& row) {
  if (!row.bound.has_value()) return "";
  const char* side = row.bound->side == Bound::Side::kAtMost ? "at most " : "at least ";
  std::string target = absl::StrCat(side, Figure(row.bound->limit, row.unit));
  if (!row.bound->origin.empty()) absl::StrAppend(&target, " (", row.bound->origin, ")");
  return target;
}

Line LineOf(const Row& row) {
  return {row.name, row.value.has_value() ? Figure(*row.value, row.unit) : "-", row.unit,
          Target(row), !row.bound.has_value() ? "" : (IsOk(row) ? "ok" : "MISSED")};
}

std::string Aligned(const std::vector<Line>& lines) {
  std::array<size_t, kColumns> widths = {};
  for (const Line& line : lines) {
    for (size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Line& line : lines) {
    std::string whole;
    for (size_t i = 0; i < kColumns; ++i) {
      const std::string pad(widths[i] - line[i].size(), ' ');
      const bool right = i == kValueColumn;
      absl::StrAppend(&whole, i == 0 ? "" : "  ", right ? pad : "", line[i], right ? "" : pad);
    }
    whole.erase(whole.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, whole, "\n");
  }
  return text;
}

}  // namespace

std::string ToTable(const Report& report) {
  const Machine& machine = report.machine;
  std::string text = absl::StrCat(report.benchmark, ": ", machine.cpus, " x ", machine.cpu, ", ",
                                  machine.memory_mib, " MiB, Linux ", machine.kernel, ", load ",
                                  absl::StrFormat("%.1f", machine.load_average), " at the start, ",
                                  machine.build, " build\n\n");
  std::vector<Line> lines = {{"ROW", "VALUE", "UNIT", "TARGET", ""}};
  for (const Row& row : report.rows) lines.push_back(LineOf(row));
  absl::StrAppend(&text, Aligned(lines));
  if (!report.notes.empty()) absl::StrAppend(&text, "\n");
  for (const std::string& note : report.notes) absl::StrAppend(&text, note, "\n");
  return text;
}

}  // namespace dmaheap::bench

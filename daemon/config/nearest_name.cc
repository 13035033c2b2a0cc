#include "daemon/config/nearest_name.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace dmaheap {
namespace {

// Names of the schema are shorter than this; a longer word is no slip of the finger.
constexpr size_t kMaxNameBytes = 64;

bool SameLetter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Optimal string alignment: rows of the table for i-2, i-1 and i letters of a.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = SameLetter(a[i - 1], b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && SameLetter(a[i - 1], b[j - 2]) && SameLetter(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

absl::optional<std::string> NearestName(absl::string_view name,
                                        const std::vector<std::string>& candidates) {
  if (name.empty() || name.size() > kMaxNameBytes) return absl::nullopt;
  absl::optional<std::string> nearest;
  size_t least = kMaxNameBytes;
  for (const std::string& candidate : candidates) {
    const size_t distance = Distance(name, candidate);
    if (distance >= least || distance * 3 > std::max<size_t>(candidate.size(), 3)) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace dmaheap

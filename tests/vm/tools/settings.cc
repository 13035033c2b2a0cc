#include "tests/vm/tools/settings.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace dmaheap {

absl::StatusOr<Settings> ParseSettings(absl::Span<char* const> words, Settings defaults) {
  for (const absl::string_view word : words) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    int64_t value = 0;
    const auto setting = defaults.find(parts.first);
    if (setting == defaults.end() || !absl::SimpleAtoi(parts.second, &value) || value < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(word, " is none of: ", FormatSettings(defaults)));
    }
    setting->second = value;
  }
  return defaults;
}

std::string FormatSettings(const Settings& settings) {
  return absl::StrJoin(settings, " ", absl::PairFormatter("="));
}

}  // namespace dmaheap

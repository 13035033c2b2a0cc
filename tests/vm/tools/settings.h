// The numbers of a trouble: words KEY=VALUE over defaults.
//
// Example:
//   absl::StatusOr<Settings> settings = ParseSettings({"mib=12"}, {{"mib", 24}, {"processes", 4}});
//   settings->at("mib");  // 12

#ifndef TESTS_VM_TOOLS_SETTINGS_H_
#define TESTS_VM_TOOLS_SETTINGS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace dmaheap {

using Settings = std::map<std::string, int64_t>;

// kInvalidArgument: a word that is no KEY=VALUE, a key that defaults does not have, or a value that
// is no number from 0 on.
absl::StatusOr<Settings> ParseSettings(absl::Span<char* const> words, Settings defaults);

// "mib=12 processes=4", for the line that a trouble prints.
std::string FormatSettings(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_SETTINGS_H_

#include "daemon/diagnosis/prober/bufinfo.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"

namespace dmaheap {
namespace {

// %08...: the kernel fills with zeros up to this width.
constexpr size_t kColumnWidth = 8;

bool IsColumn(absl::string_view text) {
  return text.size() >= kColumnWidth && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         });
}

absl::optional<BufferRecord> ParseLine(absl::string_view line) {
  // The kernel writes none.
  if (absl::StrContains(line, absl::string_view("\0", 1))) return absl::nullopt;
  // The name may hold tabs of its own.
  const std::vector<absl::string_view> columns = absl::StrSplit(line, absl::MaxSplits('\t', 6));
  if (columns.size() < 6) return absl::nullopt;
  for (const size_t i : {0, 1, 2, 3, 5}) {
    if (!IsColumn(columns[i])) return absl::nullopt;
  }
  BufferRecord record;
  uint64_t references = 0;
  if (!absl::SimpleAtoi(columns[0], &record.size_bytes) ||
      !absl::SimpleAtoi(columns[3], &references) || !absl::SimpleAtoi(columns[5], &record.inode)) {
    return absl::nullopt;
  }
  record.references =
      static_cast<uint32_t>(std::min<uint64_t>(references, std::numeric_limits<uint32_t>::max()));
  CopyText(columns[4], record.exporter);
  if (columns.size() > 6 && columns[6] != "<none>") CopyText(columns[6], record.name);
  return record;
}

struct Total {
  uint64_t objects = 0;
  uint64_t bytes = 0;
};

absl::optional<Total> ParseTotal(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  Total total;
  if (words.size() == 5 && words[0] == "Total" && absl::SimpleAtoi(words[1], &total.objects) &&
      words[2] == "objects," && absl::SimpleAtoi(words[3], &total.bytes) && words[4] == "bytes") {
    return total;
  }
  return absl::nullopt;
}

}  // namespace

BufInfo ParseBufInfo(absl::string_view text) {
  BufInfo info;
  uint64_t bytes = 0;
  // No machine has more; a sum that begins again at 0 could be any.
  bool overflows = false;
  absl::optional<Total> total;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (const auto record = ParseLine(line)) {
      overflows |= __builtin_add_overflow(bytes, record->size_bytes, &bytes);
      info.buffers.push_back(*record);
    }
    // The last one counts: a name may hold what looks like another before it.
    if (const auto found = ParseTotal(line)) total = found;
  }
  info.complete = total.has_value() && total->objects == info.buffers.size() &&
                  total->bytes == bytes && !overflows;
  return info;
}

}  // namespace dmaheap

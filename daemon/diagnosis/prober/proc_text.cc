#include "daemon/diagnosis/prober/proc_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "heaps/memfd_name.h"
#include "proto/decimal.h"

namespace dmaheap {
namespace {

// What the kernel puts before the name that memfd_create(2) was given.
constexpr absl::string_view kMemfdPath = "/memfd:";

void TakeNumber(absl::string_view value, absl::optional<uint64_t>& field) {
  uint64_t number = 0;
  if (!field.has_value() && absl::SimpleAtoi(value, &number)) field = number;
}

void TakeText(absl::string_view value, std::string& field) {
  if (field.empty()) field = std::string(value);
}

// Takes the next word of a line off its front.
absl::string_view TakeWord(absl::string_view& line) {
  line = absl::StripLeadingAsciiWhitespace(line);
  const absl::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

absl::optional<BufferBacking> ClassifyPath(absl::string_view path) {
  if (absl::StartsWith(path, "/dmabuf:") || path == "anon_inode:dmabuf") {
    return BufferBacking::kDmaBuf;
  }
  if (absl::ConsumePrefix(&path, kMemfdPath) && absl::StartsWith(path, kMemfdNamePrefix)) {
    return BufferBacking::kMemfd;
  }
  return absl::nullopt;
}

absl::optional<uint64_t> ParsePipeLink(absl::string_view target) {
  uint64_t inode = 0;
  if (!absl::ConsumePrefix(&target, "pipe:[") || !absl::ConsumeSuffix(&target, "]") ||
      !ParseDecimal(target, inode)) {
    return absl::nullopt;
  }
  return inode;
}

absl::string_view LabelOfMemfd(absl::string_view path) {
  absl::ConsumePrefix(&path, kMemfdPath);
  absl::ConsumePrefix(&path, kMemfdNamePrefix);
  absl::ConsumeSuffix(&path, " (deleted)");
  return path;
}

FdInfo ParseFdInfo(absl::string_view text) {
  FdInfo info;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    const absl::string_view key = line.substr(0, colon);
    const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
    if (key == "mnt_id") TakeNumber(value, info.mount_id);
    if (key == "ino") TakeNumber(value, info.inode);
    if (key == "size") TakeNumber(value, info.size_bytes);
    if (key == "count") TakeNumber(value, info.references);
    if (key == "exp_name") TakeText(value, info.exporter);
    if (key == "name") {
      TakeText(value, info.name);
      // The last line of the kernel's; what follows is the rest of a name with a line break.
      break;
    }
  }
  return info;
}

absl::optional<MapsLine> ParseMapsLine(absl::string_view line) {
  MapsLine parsed;
  // address, permissions, offset
  for (int i = 0; i < 3; ++i) {
    if (TakeWord(line).empty()) return absl::nullopt;
  }
  parsed.device = TakeWord(line);
  if (!absl::SimpleAtoi(TakeWord(line), &parsed.inode)) return absl::nullopt;
  parsed.path = absl::StripLeadingAsciiWhitespace(line);
  if (parsed.path.empty()) return absl::nullopt;
  return parsed;
}

}  // namespace dmaheap

#include "daemon/diagnosis/prober/pagemap.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "proto/decimal.h"

namespace dmaheap {
namespace {

bool ParseHex(absl::string_view text, uint64_t& number) {
  return !text.empty() && text[0] != '-' && text[0] != '+' && absl::SimpleHexAtoi(text, &number);
}

// include/uapi/linux/kernel-page-flags.h; the last one include/linux/kernel-page-flags.h.
constexpr uint64_t kDirty = uint64_t{1} << 4;
constexpr uint64_t kLru = uint64_t{1} << 5;
constexpr uint64_t kSlab = uint64_t{1} << 7;
constexpr uint64_t kWriteback = uint64_t{1} << 8;
constexpr uint64_t kBuddy = uint64_t{1} << 10;
constexpr uint64_t kMapped = uint64_t{1} << 11;
constexpr uint64_t kAnonymous = uint64_t{1} << 12;
constexpr uint64_t kSwapBacked = uint64_t{1} << 14;
constexpr uint64_t kPrivate = uint64_t{1} << 35;

}  // namespace

bool MayBeUnwritten(uint64_t frame_flags) {
  return (frame_flags & (kAnonymous | kSwapBacked | kSlab | kBuddy)) == 0 &&
         (frame_flags & (kDirty | kWriteback | kPrivate)) != 0;
}

FrameKind KindOfFrame(uint64_t frame_flags) {
  if ((frame_flags & kBuddy) != 0) return FrameKind::kFree;
  if ((frame_flags & kAnonymous) != 0) return FrameKind::kAnonymous;
  if ((frame_flags & kSlab) != 0) return FrameKind::kOther;
  return (frame_flags & (kLru | kMapped)) != 0 ? FrameKind::kPageCache : FrameKind::kOther;
}

absl::optional<FrameRange> ParseFrameRange(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> words =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  FrameRange range;
  if (!ParseDecimal(words.first, range.first) || !ParseDecimal(words.second, range.count) ||
      range.count == 0 || range.first > kPagemapFrameMask ||
      range.count > kPagemapFrameMask - range.first + 1) {
    return absl::nullopt;
  }
  return range;
}

void CountFrames(absl::Span<const uint64_t> entries, const FrameRange& range, PagemapCount& count) {
  for (const uint64_t entry : entries) {
    if ((entry & kPagemapPresent) == 0) continue;
    ++count.present;
    const uint64_t frame = entry & kPagemapFrameMask;
    if (frame == 0) continue;
    count.numbers_shown = true;
    if (range.Holds(frame)) ++count.inside;
  }
}

absl::optional<AddressRange> ParseAddresses(absl::string_view maps_line) {
  const size_t space = maps_line.find(' ');
  if (space == absl::string_view::npos) return absl::nullopt;
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(maps_line.substr(0, space), absl::MaxSplits('-', 1));
  AddressRange range;
  if (!ParseHex(ends.first, range.begin) || !ParseHex(ends.second, range.end) ||
      range.begin >= range.end || (range.end >> 63) != 0) {
    return absl::nullopt;
  }
  return range;
}

}  // namespace dmaheap

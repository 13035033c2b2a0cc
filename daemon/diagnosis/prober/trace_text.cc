#include "daemon/diagnosis/prober/trace_text.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"

namespace dmaheap {
namespace {

constexpr absl::string_view kRefused = ": test_pages_isolated: ";
constexpr absl::string_view kFinished = ": cma_alloc_finish: ";
constexpr absl::string_view kDropped = ": page_ref_mod_and_test: ";

absl::optional<absl::string_view> Field(absl::string_view fields, absl::string_view key) {
  const std::string begin = absl::StrCat(key, "=");
  size_t at = 0;
  while ((at = fields.find(begin, at)) != absl::string_view::npos) {
    // end_pfn= is in no other word.
    if (at == 0 || fields[at - 1] == ' ') {
      absl::string_view rest = fields.substr(at + begin.size());
      return rest.substr(0, rest.find_first_of(" \n"));
    }
    at += begin.size();
  }
  return absl::nullopt;
}

bool TakeFrame(absl::string_view fields, absl::string_view key, uint64_t& frame) {
  absl::optional<absl::string_view> text = Field(fields, key);
  return text.has_value() && absl::ConsumePrefix(&*text, "0x") &&
         absl::SimpleHexAtoi(*text, &frame);
}

// The kernel prints an int for each of these, so that whoever calculates with them in 64 bits need
// not fear for the end.
template <typename Number>
bool TakeNumber(absl::string_view fields, absl::string_view key, Number& number) {
  const absl::optional<absl::string_view> text = Field(fields, key);
  int32_t value = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &value)) return false;
  number = value;
  return true;
}

// COMM may hold spaces, dashes and brackets of its own, so from the right.
bool TakeThread(absl::string_view before, int32_t& thread) {
  const size_t processor = before.rfind(" [");
  if (processor == absl::string_view::npos) return false;
  const absl::string_view task = absl::StripTrailingAsciiWhitespace(before.substr(0, processor));
  const size_t dash = task.rfind('-');
  return dash != absl::string_view::npos && absl::SimpleAtoi(task.substr(dash + 1), &thread);
}

}  // namespace

TraceLine ParseTraceLine(absl::string_view line) {
  if (const size_t at = line.find(kRefused); at != absl::string_view::npos) {
    const absl::string_view fields = line.substr(at + kRefused.size());
    WindowRefused refused;
    if (absl::StrContains(fields, " ret=fail") && TakeFrame(fields, "fin_pfn", refused.frame) &&
        TakeThread(line.substr(0, at), refused.thread)) {
      return refused;
    }
  } else if (const size_t end = line.find(kFinished); end != absl::string_view::npos) {
    const absl::string_view fields = line.substr(end + kFinished.size());
    AllocationFinished finished;
    int32_t negative = 0;
    if (TakeNumber(fields, "errorno", negative) && negative <= 0 && negative > -4096 &&
        TakeThread(line.substr(0, end), finished.thread)) {
      finished.error_number = -negative;
      return finished;
    }
  } else if (const size_t drop = line.find(kDropped); drop != absl::string_view::npos) {
    const absl::string_view fields = line.substr(drop + kDropped.size());
    ReferenceDropped dropped;
    if (TakeFrame(fields, "pfn", dropped.frame) &&
        TakeNumber(fields, "count", dropped.references) &&
        TakeNumber(fields, "mapcount", dropped.mappings) &&
        TakeThread(line.substr(0, drop), dropped.thread)) {
      // The raw _mapcount, which begins at -1 (include/trace/events/page_ref.h).
      ++dropped.mappings;
      return dropped;
    }
  }
  return std::monostate();
}

}  // namespace dmaheap

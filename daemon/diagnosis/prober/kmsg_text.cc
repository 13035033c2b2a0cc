#include "daemon/diagnosis/prober/kmsg_text.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/decimal.h"

namespace dmaheap {
namespace {

// A facility of 8 bits and a level of 3 (struct printk_info in kernel/printk/printk_ringbuffer.h).
constexpr int kMaxPriority = 2047;

// Of all parts of a free list: more than any log holds.
constexpr size_t kMaxListBytes = 4 << 20;

constexpr absl::string_view kSubsystem = "cma: ";
constexpr absl::string_view kListBegins = "number of available pages: ";
constexpr absl::string_view kSum = "=> ";

// Takes what is before the separator off the front of text.
bool TakeUntil(absl::string_view& text, char separator, absl::string_view& taken) {
  const size_t end = text.find(separator);
  if (end == absl::string_view::npos) return false;
  taken = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

// The kernel writes every byte that can not be printed, and the backslash, as \xNN.
absl::optional<std::string> WithoutEscapes(absl::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (!absl::ConsumePrefix(&text, "\\")) {
      plain += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (!absl::ConsumePrefix(&text, "x") || text.size() < 2 || !absl::ascii_isxdigit(text[0]) ||
        !absl::ascii_isxdigit(text[1])) {
      return absl::nullopt;
    }
    plain += absl::HexStringToBytes(text.substr(0, 2));
    text.remove_prefix(2);
  }
  return plain;
}

// Of "-,caller=T42".
int32_t ThreadIn(absl::string_view fields) {
  for (const absl::string_view field : absl::StrSplit(fields, ',')) {
    absl::string_view caller = field;
    int32_t thread = 0;
    if (absl::ConsumePrefix(&caller, "caller=T") && ParseDecimal(caller, thread)) return thread;
  }
  return 0;
}

// Each further line is " KEY=VALUE".
bool AreKeys(absl::string_view lines) {
  while (!lines.empty()) {
    absl::string_view line;
    if (!TakeUntil(lines, '\n', line) || !absl::StartsWith(line, " ")) return false;
  }
  return true;
}

KmsgLine ParseFailure(absl::string_view text) {
  absl::StatusOr<CmaAllocFailure> failure = ParseCmaAllocFailure(text);
  if (!failure.ok()) return std::monostate();
  const std::string rest = absl::StrCat(failure->area, failure->area.empty() ? "" : ": ",
                                        "alloc failed, req-size: ", failure->request_pages,
                                        " pages, ret: -", failure->error_number);
  for (const absl::string_view function : {"cma: cma_alloc: ", "cma: __cma_alloc: "}) {
    if (text == absl::StrCat(function, rest)) return *std::move(failure);
  }
  return std::monostate();
}

KmsgLine ParseBusyFrames(absl::string_view text) {
  const absl::StatusOr<PfnRange> range = ParsePfnsBusy(text);
  if (!range.ok() || text != absl::StrCat("alloc_contig_range: [", absl::Hex(range->first), ", ",
                                          absl::Hex(range->end), ") PFNs busy")) {
    return std::monostate();
  }
  return *range;
}

// Takes "range N: " of the kernels that have several (since 6.15) off the front of text.
bool ConsumeRange(absl::string_view& text) {
  absl::string_view rest = text;
  absl::string_view number;
  int range = 0;
  if (!absl::ConsumePrefix(&rest, "range ") || !TakeUntil(rest, ':', number) ||
      !ParseDecimal(number, range) || !absl::ConsumePrefix(&rest, " ")) {
    return false;
  }
  text = rest;
  return true;
}

bool IsSum(absl::string_view text) {
  absl::string_view word;
  int64_t pages = 0;
  return absl::ConsumePrefix(&text, kSum) && TakeUntil(text, ' ', word) &&
         ParseDecimal(word, pages) && absl::ConsumePrefix(&text, "free of ") &&
         TakeUntil(text, ' ', word) && ParseDecimal(word, pages) && text == "total pages";
}

KmsgLine ParseListPart(absl::string_view text) {
  FreeListPart part;
  part.text = std::string(text);
  const bool of_subsystem = absl::ConsumePrefix(&text, kSubsystem);
  part.first = absl::ConsumePrefix(&text, kListBegins);
  const bool of_range = ConsumeRange(text);
  const size_t runs = std::min(text.find_first_not_of("0123456789+@"), text.size());
  const absl::string_view rest = text.substr(runs);
  part.last = IsSum(rest);
  if (!rest.empty() && !part.last) return std::monostate();
  // What goes on with a record that was too long is nothing but runs, and at least one.
  const bool goes_on = !of_subsystem && absl::StrContains(text.substr(0, runs), "@");
  if (!part.first && !of_range && !part.last && !goes_on) return std::monostate();
  if (part.first && part.last) {
    absl::StatusOr<CmaFreeList> list = ParseCmaFreeList(part.text);
    if (list.ok()) return *std::move(list);
    return std::monostate();
  }
  return part;
}

}  // namespace

absl::optional<KmsgRecord> ParseKmsgRecord(absl::string_view record) {
  KmsgRecord parsed;
  absl::string_view prefix;
  absl::string_view text;
  absl::string_view priority;
  absl::string_view sequence;
  absl::string_view microseconds;
  if (!TakeUntil(record, ';', prefix) || !TakeUntil(record, '\n', text) || !AreKeys(record) ||
      !TakeUntil(prefix, ',', priority) || !TakeUntil(prefix, ',', sequence) ||
      !TakeUntil(prefix, ',', microseconds) || prefix.empty() ||
      !ParseDecimal(priority, parsed.priority) || parsed.priority > kMaxPriority ||
      !ParseDecimal(sequence, parsed.sequence) ||
      !ParseDecimal(microseconds, parsed.microseconds)) {
    return absl::nullopt;
  }
  parsed.thread = ThreadIn(prefix);
  absl::optional<std::string> plain = WithoutEscapes(text);
  if (!plain.has_value()) return absl::nullopt;
  parsed.text = *std::move(plain);
  return parsed;
}

KmsgLine ParseKmsgText(absl::string_view text) {
  // A line break can only be a name's: the kernel's own ended the record.
  if (absl::StrContains(text, "\n")) return std::monostate();
  for (const auto parse : {&ParseFailure, &ParseBusyFrames, &ParseListPart}) {
    KmsgLine line = parse(text);
    if (!std::holds_alternative<std::monostate>(line)) return line;
  }
  return std::monostate();
}

absl::optional<CmaFreeList> FreeListParts::Take(const FreeListPart& part) {
  if (part.first) {
    begun_ = true;
    text_.clear();
  }
  if (!begun_) return absl::nullopt;
  absl::StrAppend(&text_, part.text, "\n");
  const bool too_long = text_.size() > kMaxListBytes;
  if (!part.last && !too_long) return absl::nullopt;
  begun_ = false;
  absl::StatusOr<CmaFreeList> list = ParseCmaFreeList(text_);
  text_.clear();
  if (!list.ok() || too_long) return absl::nullopt;
  return *std::move(list);
}

}  // namespace dmaheap

#include "heaps/cma_area.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace dmaheap {
namespace {

// The largest area this reads: 2^40 pages, which is 4 PiB with pages of 4 KiB. Sums of what is
// below stay far from the end of int64_t.
constexpr int64_t kMaxPages = int64_t{1} << 40;

// Quotes text of the kernel in an error, not more than a line of it.
std::string Excerpt(absl::string_view text) {
  constexpr size_t kMaxBytes = 80;
  return absl::StrCat("'", text.substr(0, kMaxBytes), text.size() > kMaxBytes ? "...'" : "'");
}

absl::Status Malformed(absl::string_view what, absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", Excerpt(text)));
}

// Takes decimal digits from the front of text. False, with nothing taken, where there are none or
// the number is above max.
bool ConsumeNumber(absl::string_view* text, int64_t max, int64_t* number) {
  int64_t value = 0;
  size_t used = 0;
  for (; used < text->size() && absl::ascii_isdigit((*text)[used]); ++used) {
    const int digit = (*text)[used] - '0';
    if (value > (max - digit) / 10) return false;
    value = value * 10 + digit;
  }
  if (used == 0) return false;
  *number = value;
  text->remove_prefix(used);
  return true;
}

// Whether a run comes after the last one, and apart from it. A range may go on in the next line.
bool Follows(const std::vector<PageRun>& runs, const PageRun& run) {
  if (runs.empty() || runs.back().range < run.range) return true;
  return runs.back().range == run.range && run.first > runs.back().first + runs.back().pages;
}

// Takes "RUN+RUN+...", possibly nothing, from the front of text.
absl::Status ConsumeRuns(absl::string_view* text, int range, std::vector<PageRun>* runs) {
  while (true) {
    PageRun run;
    run.range = range;
    const absl::string_view before = *text;
    // A range after the first begins with '+' in kernels that count on over all ranges.
    absl::ConsumePrefix(text, "+");
    if (!ConsumeNumber(text, kMaxPages, &run.pages)) {
      *text = before;
      return absl::OkStatus();
    }
    if (!absl::ConsumePrefix(text, "@") || !ConsumeNumber(text, kMaxPages, &run.first)) {
      return Malformed("a run of free pages is COUNT@START", before);
    }
    if (run.pages == 0 || !Follows(*runs, run)) {
      return Malformed("runs of free pages are ascending and apart", before);
    }
    runs->push_back(run);
  }
}

// The part of a line of the log in which the runs are: from the first COUNT@, or from "=>".
absl::string_view RunsOf(absl::string_view line) {
  const size_t arrow = line.find("=>");
  const size_t at = line.find('@');
  if (at == absl::string_view::npos || at > arrow) {
    return arrow == absl::string_view::npos ? absl::string_view() : line.substr(arrow);
  }
  size_t begin = at;
  while (begin > 0 && absl::ascii_isdigit(line[begin - 1])) --begin;
  // A range that is not the first may begin with '+'.
  return line.substr(begin);
}

// N of "range N:", -1 where the line has no such word.
int RangeOf(absl::string_view line) {
  constexpr absl::string_view kWord = "range ";
  constexpr int kMaxRange = 1024;
  size_t at = line.find(kWord);
  if (at == absl::string_view::npos) return -1;
  line.remove_prefix(at + kWord.size());
  int64_t range = -1;
  if (!ConsumeNumber(&line, kMaxRange, &range) || !absl::StartsWith(line, ":")) return -1;
  return static_cast<int>(range);
}

// Takes "=> FREE free of TOTAL total pages".
bool ConsumeSum(absl::string_view* text, int64_t* free_pages, int64_t* total_pages) {
  return absl::ConsumePrefix(text, "=> ") && ConsumeNumber(text, kMaxPages, free_pages) &&
         absl::ConsumePrefix(text, " free of ") && ConsumeNumber(text, kMaxPages, total_pages) &&
         absl::ConsumePrefix(text, " total pages");
}

bool ConsumeHex(absl::string_view* text, uint64_t* number) {
  const auto result = std::from_chars(text->data(), text->data() + text->size(), *number, 16);
  if (result.ec != std::errc()) return false;
  text->remove_prefix(result.ptr - text->data());
  return true;
}

}  // namespace

int64_t LargestRun(absl::Span<const PageRun> runs) {
  int64_t largest = 0;
  for (const PageRun& run : runs) largest = std::max(largest, run.pages);
  return largest;
}

absl::StatusOr<CmaFreeList> ParseCmaFreeList(absl::string_view text) {
  CmaFreeList list;
  int range = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (const int named = RangeOf(line); named >= 0) range = named;
    absl::string_view rest = RunsOf(line);
    if (rest.empty()) continue;
    if (absl::Status status = ConsumeRuns(&rest, range, &list.runs); !status.ok()) return status;
    if (rest.empty()) continue;
    if (!ConsumeSum(&rest, &list.free_pages, &list.total_pages)) {
      return Malformed("a free list ends in '=> N free of N total pages'", rest);
    }
    int64_t sum = 0;
    bool inside = true;
    for (const PageRun& run : list.runs) {
      // Neither term is above kMaxPages, and the sum stops growing at the first that is too much.
      sum += run.pages;
      inside = run.first + run.pages <= list.total_pages && sum <= list.free_pages;
      if (!inside) break;
    }
    if (!inside || sum != list.free_pages || sum > list.total_pages) {
      return absl::InvalidArgumentError(absl::StrCat("the runs of the free list do not fit ",
                                                     list.free_pages, " free of ", list.total_pages,
                                                     " total pages: they add up to ", sum));
    }
    return list;
  }
  return Malformed("no free list with its sum", text);
}

std::string FormatCmaFreeList(const CmaFreeList& list) {
  std::string text;
  for (const PageRun& run : list.runs) {
    if (run.range != 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : "+", run.pages, "@", run.first);
  }
  absl::StrAppend(&text, "=> ", list.free_pages, " free of ", list.total_pages, " total pages");
  return text;
}

absl::StatusOr<CmaAllocFailure> ParseCmaAllocFailure(absl::string_view line) {
  constexpr absl::string_view kFailed = "alloc failed, req-size: ";
  constexpr absl::string_view kFunction = "cma_alloc: ";
  const size_t at = line.find(kFailed);
  if (at == absl::string_view::npos) return Malformed("no 'alloc failed, req-size:'", line);

  CmaAllocFailure failure;
  absl::string_view before = line.substr(0, at);
  // "[2f] cma: cma_alloc: " or "[2f] cma: __cma_alloc: linux,cma: ".
  if (const size_t function = before.rfind(kFunction); function != absl::string_view::npos) {
    before.remove_prefix(function + kFunction.size());
    absl::ConsumeSuffix(&before, ": ");
    failure.area = std::string(before);
  }

  absl::string_view rest = line.substr(at + kFailed.size());
  int64_t error_number = 0;
  // MAX_ERRNO of the kernel (linux/err.h) is 4095.
  if (!ConsumeNumber(&rest, kMaxPages, &failure.request_pages) ||
      !absl::ConsumePrefix(&rest, " pages, ret: -") || !ConsumeNumber(&rest, 4095, &error_number) ||
      error_number == 0) {
    return Malformed("a failed allocation is 'N pages, ret: -ERRNO'", rest);
  }
  failure.error_number = static_cast<int>(error_number);
  return failure;
}

absl::StatusOr<PfnRange> ParsePfnsBusy(absl::string_view line) {
  constexpr absl::string_view kBegin = "alloc_contig_range: [";
  const size_t at = line.find(kBegin);
  if (at == absl::string_view::npos) return Malformed("no 'alloc_contig_range: ['", line);
  absl::string_view rest = line.substr(at + kBegin.size());
  PfnRange range;
  if (!ConsumeHex(&rest, &range.first) || !absl::ConsumePrefix(&rest, ", ") ||
      !ConsumeHex(&rest, &range.end) || !absl::ConsumePrefix(&rest, ") PFNs busy") ||
      range.end <= range.first) {
    return Malformed("busy PFNs are '[FIRST, END) PFNs busy'", line);
  }
  return range;
}

absl::StatusOr<CmaFreeList> ParseCmaBitmap(absl::string_view bitmap, int64_t count,
                                           int order_per_bit) {
  // The kernel's own limit is MAX_ORDER, 10 to 13.
  constexpr int kMaxOrder = 32;
  if (count < 0 || count > kMaxPages || order_per_bit < 0 || order_per_bit > kMaxOrder) {
    return absl::InvalidArgumentError(absl::StrCat("an area of ", count,
                                                   " pages with order_per_bit ", order_per_bit,
                                                   " is none that a kernel makes"));
  }
  CmaFreeList list;
  list.total_pages = count;
  const int64_t pages_per_bit = int64_t{1} << order_per_bit;
  int64_t page = 0;
  for (absl::string_view word_text :
       absl::StrSplit(bitmap, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    uint32_t word = 0;
    if (!absl::SimpleAtoi(word_text, &word)) return Malformed("no 32-bit word", word_text);
    // The last word is longer than the area where count is no multiple of it.
    for (int bit = 0; bit < 32 && page < count; ++bit) {
      const int64_t pages = std::min(pages_per_bit, count - page);
      if ((word >> bit & 1) == 0) {
        list.free_pages += pages;
        if (!list.runs.empty() && list.runs.back().first + list.runs.back().pages == page) {
          list.runs.back().pages += pages;
        } else {
          list.runs.push_back({page, pages});
        }
      }
      page += pages;
    }
  }
  if (page < count) {
    return absl::InvalidArgumentError(
        absl::StrCat("the bitmap ends after ", page, " of ", count, " pages"));
  }
  return list;
}

absl::StatusOr<int64_t> ParseCmaCount(absl::string_view text) {
  absl::string_view rest = absl::StripTrailingAsciiWhitespace(text);
  int64_t count = 0;
  if (!ConsumeNumber(&rest, std::numeric_limits<int64_t>::max(), &count) || !rest.empty()) {
    return Malformed("no decimal number", text);
  }
  return count;
}

absl::optional<int64_t> ParseMeminfoCmaTotal(absl::string_view meminfo) {
  for (absl::string_view line : absl::StrSplit(meminfo, '\n')) {
    if (!absl::ConsumePrefix(&line, "CmaTotal:")) continue;
    line = absl::StripLeadingAsciiWhitespace(line);
    int64_t kib = 0;
    if (!ConsumeNumber(&line, kMaxPages, &kib) || line != " kB" || kib == 0) return absl::nullopt;
    return kib * 1024;
  }
  return absl::nullopt;
}

}  // namespace dmaheap

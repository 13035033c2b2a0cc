#include "tests/policy_lab/pin_trace.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "heaps/simulated_area.h"

namespace dmaheap::policy_lab {
namespace {

// A year: sums of some stay far from where they overflow.
constexpr int64_t kMostMicroseconds = int64_t{365} * 24 * 3600 * 1'000'000;

absl::Status Wrong(size_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
}

}  // namespace

PinTrace Repeated(const PinTrace& trace, absl::Duration length) {
  PinTrace repeated = trace;
  if (trace.length() <= absl::ZeroDuration()) return repeated;
  for (absl::Duration at = trace.length(); at < length; at += trace.length()) {
    for (Pin pin : trace.pins) {
      pin.start += at;
      repeated.pins.push_back(pin);
    }
  }
  return repeated;
}

std::string WriteTrace(const PinTrace& trace, absl::string_view comment) {
  std::string text;
  if (!comment.empty()) {
    for (const absl::string_view line : absl::StrSplit(comment, '\n')) {
      absl::StrAppend(&text, line.empty() ? "#" : "# ", line, "\n");
    }
  }
  absl::StrAppend(&text, "area_pages ", trace.area_pages, "\n");
  if (!trace.attempt_times.empty()) {
    text += "attempt_us";
    for (const absl::Duration time : trace.attempt_times) {
      absl::StrAppend(&text, " ", absl::ToInt64Microseconds(time));
    }
    text += "\n";
  }
  text += "# start_us duration_us page [stays]\n";
  for (const Pin& pin : trace.pins) {
    absl::StrAppend(&text, absl::ToInt64Microseconds(pin.start), " ",
                    absl::ToInt64Microseconds(pin.duration), " ", pin.page,
                    pin.stays ? " stays\n" : "\n");
  }
  return text;
}

absl::StatusOr<PinTrace> ReadTrace(absl::string_view text) {
  PinTrace trace;
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty() || words[0].front() == '#') continue;
    if (trace.area_pages == 0) {
      if (words.size() != 2 || words[0] != "area_pages" ||
          !absl::SimpleAtoi(words[1], &trace.area_pages) || trace.area_pages < 1 ||
          trace.area_pages > kMaxSimulatedPages) {
        return Wrong(number, absl::StrCat("expected `area_pages N`, N from 1 to ",
                                          kMaxSimulatedPages, ", before the first pin"));
      }
      continue;
    }
    if (words[0] == "attempt_us") {
      if (!trace.attempt_times.empty() || !trace.pins.empty() || words.size() < 2) {
        return Wrong(number, "expected one `attempt_us N N ...`, before the first pin");
      }
      for (size_t i = 1; i < words.size(); ++i) {
        int64_t time = 0;
        if (!absl::SimpleAtoi(words[i], &time) || time < 0 || time > kMostMicroseconds) {
          return Wrong(number, absl::StrCat("attempt_us has ", words[i], ", which is not in 0 to ",
                                            kMostMicroseconds));
        }
        trace.attempt_times.push_back(absl::Microseconds(time));
      }
      continue;
    }
    int64_t start = 0, duration = 0, page = 0;
    const bool stays = words.size() == 4 && words[3] == "stays";
    if ((words.size() != 3 && !stays) || !absl::SimpleAtoi(words[0], &start) ||
        !absl::SimpleAtoi(words[1], &duration) || !absl::SimpleAtoi(words[2], &page)) {
      return Wrong(number,
                   "expected three numbers, and perhaps `stays`: start_us duration_us page");
    }
    if (start < 0 || duration < 0) return Wrong(number, "a time is below 0");
    if (start > kMostMicroseconds || duration > kMostMicroseconds) {
      return Wrong(number, absl::StrCat("a time is above ", kMostMicroseconds, " us"));
    }
    if (page < 0 || page >= trace.area_pages) {
      return Wrong(number, absl::StrCat("page ", page, " is not in the area of ", trace.area_pages,
                                        " pages, which count from 0"));
    }
    const Pin pin{absl::Microseconds(start), absl::Microseconds(duration), page, stays};
    if (pin.start < trace.length()) return Wrong(number, "begins before the line above");
    trace.pins.push_back(pin);
  }
  if (trace.area_pages == 0) return Wrong(number, "there is no `area_pages N`");
  return trace;
}

}  // namespace dmaheap::policy_lab

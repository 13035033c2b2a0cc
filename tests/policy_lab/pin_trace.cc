#include "tests/policy_lab/pin_trace.h"

#include <algorithm>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "heaps/simulated_area.h"

namespace dmaheap::policy_lab {
namespace {

absl::Status Wrong(size_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", what));
}

}  // namespace

PinTrace MakeStorm(const Storm& storm) {
  std::mt19937_64 random(storm.seed);
  std::exponential_distribution<double> pause(storm.pins_per_second);
  std::exponential_distribution<double> lifetime(1 / absl::ToDoubleSeconds(storm.mean_lifetime));
  std::uniform_int_distribution<int64_t> page(0, storm.area_pages - 1);
  PinTrace trace;
  trace.area_pages = storm.area_pages;
  absl::Duration now;
  while ((now += absl::Seconds(pause(random))) < storm.length) {
    trace.pins.push_back({now, absl::Seconds(lifetime(random)), page(random)});
  }
  return trace;
}

Storm ForkStorm() {
  // The share of time without a pin is exp(-pins_per_second * mean_lifetime) = 0.6.
  return {.pins_per_second = 511, .mean_lifetime = absl::Milliseconds(1)};
}

Storm ExitStorm() { return {.pins_per_second = 105, .mean_lifetime = absl::Milliseconds(1)}; }

PinTrace MakeMixedTrace(uint64_t seed) {
  Storm storm = ForkStorm();
  storm.seed = seed;
  PinTrace trace = MakeStorm(storm);
  for (absl::Duration start = absl::Seconds(5); start < storm.length; start += absl::Seconds(10)) {
    trace.pins.push_back({start, absl::Seconds(2), storm.area_pages / 2});
  }
  std::stable_sort(trace.pins.begin(), trace.pins.end(),
                   [](const Pin& a, const Pin& b) { return a.start < b.start; });
  return trace;
}

std::string WriteTrace(const PinTrace& trace) {
  std::string text =
      absl::StrCat("area_pages ", trace.area_pages, "\n# start_us duration_us page\n");
  for (const Pin& pin : trace.pins) {
    absl::StrAppend(&text, absl::ToInt64Microseconds(pin.start), " ",
                    absl::ToInt64Microseconds(pin.duration), " ", pin.page, "\n");
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
    int64_t start = 0, duration = 0, page = 0;
    if (words.size() != 3 || !absl::SimpleAtoi(words[0], &start) ||
        !absl::SimpleAtoi(words[1], &duration) || !absl::SimpleAtoi(words[2], &page)) {
      return Wrong(number, "expected three numbers: start_us duration_us page");
    }
    if (start < 0 || duration < 0) return Wrong(number, "a time is below 0");
    if (page < 0 || page >= trace.area_pages) {
      return Wrong(number, absl::StrCat("page ", page, " is not in the area of ", trace.area_pages,
                                        " pages, which count from 0"));
    }
    const Pin pin{absl::Microseconds(start), absl::Microseconds(duration), page};
    if (pin.start < trace.length()) return Wrong(number, "begins before the line above");
    trace.pins.push_back(pin);
  }
  if (trace.area_pages == 0) return Wrong(number, "there is no `area_pages N`");
  return trace;
}

}  // namespace dmaheap::policy_lab

#include "tests/bench/guest/area_attempts.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "tests/bench/guest/trace_instance.h"

namespace dmaheap::bench {
namespace {

int64_t PagesIn(absl::string_view fields) {
  int64_t pages = 0;
  for (absl::string_view field : absl::StrSplit(fields, ' ')) {
    if (absl::ConsumePrefix(&field, "count=") && absl::SimpleAtoi(field, &pages)) break;
  }
  return pages;
}

}  // namespace

std::vector<AreaAttempt> ParseAreaAttempts(absl::string_view text) {
  std::vector<AreaAttempt> attempts;
  absl::optional<double> since;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const auto event = ParseTraceLine(line);
    if (!event.has_value()) continue;
    if (event->name == "cma_alloc_start") {
      since = event->seconds;
    } else if (event->name == "cma_alloc_finish" && since.has_value()) {
      attempts.push_back({.pages = PagesIn(event->fields),
                          .ms = (event->seconds - *since) * 1000,
                          .success = absl::StrContains(event->fields, "errorno=0")});
      since.reset();
    }
  }
  return attempts;
}

}  // namespace dmaheap::bench

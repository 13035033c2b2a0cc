#include "tests/policy_lab/recording/pin_events.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace dmaheap::policy_lab {
namespace {

constexpr char kUnmappingBegins[] = "unmapping_begins";
constexpr char kUnmappingOfAllBegins[] = "unmapping_of_all_begins";
constexpr char kLettingGoBegins[] = "letting_go_begins";
constexpr char kLastLettingGoBegins[] = "last_letting_go_begins";
constexpr char kUnmappingEnds[] = "unmapping_has_ended";

using What = decltype(PinEvent::what);

absl::optional<absl::string_view> Field(absl::string_view fields, absl::string_view key) {
  for (absl::string_view word : absl::StrSplit(fields, ' ')) {
    if (absl::ConsumePrefix(&word, key) && absl::ConsumePrefix(&word, "=")) return word;
  }
  return absl::nullopt;
}

absl::optional<uint64_t> Frame(absl::string_view fields, absl::string_view key) {
  absl::optional<absl::string_view> text = Field(fields, key);
  uint64_t frame = 0;
  if (!text.has_value() || !absl::ConsumePrefix(&*text, "0x") ||
      !absl::SimpleHexAtoi(*text, &frame)) {
    return absl::nullopt;
  }
  return frame;
}

absl::optional<int64_t> Number(absl::string_view fields, absl::string_view key) {
  const absl::optional<absl::string_view> text = Field(fields, key);
  int32_t number = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &number)) return absl::nullopt;
  return number;
}

// Its references beyond its mappings, after the event. The events have the raw _mapcount, which is
// -1 for a page that nobody maps.
absl::optional<int64_t> Excess(absl::string_view fields) {
  const absl::optional<int64_t> count = Number(fields, "count");
  const absl::optional<int64_t> mapcount = Number(fields, "mapcount");
  if (!count.has_value() || !mapcount.has_value()) return absl::nullopt;
  return *count - (*mapcount + 1);
}

absl::optional<What> Dropped(absl::string_view fields) {
  const absl::optional<uint64_t> frame = Frame(fields, "pfn");
  const absl::optional<int64_t> excess = Excess(fields);
  if (!frame.has_value() || !excess.has_value()) return absl::nullopt;
  return ReferenceDropped{*frame, *excess, Number(fields, "count").value_or(0) > 0};
}

absl::optional<What> Taken(absl::string_view fields) {
  const absl::optional<uint64_t> frame = Frame(fields, "pfn");
  const absl::optional<int64_t> excess = Excess(fields);
  const absl::optional<int64_t> taken = Number(fields, "val");
  if (!frame.has_value() || !excess.has_value() || !taken.has_value()) return absl::nullopt;
  // ret=0: it had none, and nothing was taken.
  if (*taken <= 0 || Number(fields, "ret").value_or(0) == 0) return absl::nullopt;
  return ReferenceTaken{*frame, *excess - *taken};
}

absl::optional<What> Refused(absl::string_view fields) {
  const absl::optional<uint64_t> frame = Frame(fields, "fin_pfn");
  if (!frame.has_value() || Field(fields, "ret") != "fail") return absl::nullopt;
  return WindowRefused{*frame};
}

absl::optional<What> Ended(absl::string_view fields) {
  const absl::optional<int64_t> error = Number(fields, "errorno");
  if (!error.has_value()) return absl::nullopt;
  return AttemptEnds{*error == 0};
}

template <typename Event>
absl::optional<What> Bare(absl::string_view) {
  return Event();
}

struct Kind {
  absl::string_view name;
  absl::optional<What> (*parse)(absl::string_view fields);
};
constexpr Kind kKinds[] = {
    {"page_ref_mod_and_test", Dropped},
    {"page_ref_mod_unless", Taken},
    {"test_pages_isolated", Refused},
    {"cma_alloc_start", Bare<AttemptBegins>},
    {"cma_alloc_finish", Ended},
    {kUnmappingBegins, Bare<UnmappingBegins>},
    {kUnmappingOfAllBegins, Bare<UnmappingBegins>},
    {kLettingGoBegins, Bare<LettingGoBegins>},
    {kLastLettingGoBegins, Bare<LettingGoBegins>},
    {kUnmappingEnds, Bare<UnmappingEnds>},
};

// "SECONDS.MICROSECONDS", to the microsecond.
bool TakeTime(absl::string_view text, absl::Duration& at) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  uint32_t seconds = 0, microseconds = 0;
  if (parts.size() != 2 || parts[1].size() != 6 || !absl::SimpleAtoi(parts[0], &seconds) ||
      !absl::SimpleAtoi(parts[1], &microseconds)) {
    return false;
  }
  at = absl::Seconds(seconds) + absl::Microseconds(microseconds);
  return true;
}

// "COMM-TID [CPU] FLAGS SECONDS". COMM may hold spaces, dashes and brackets of its own, so from the
// right.
bool TakeHead(absl::string_view head, PinEvent& event) {
  const size_t space = head.rfind(' ');
  if (space == absl::string_view::npos || !TakeTime(head.substr(space + 1), event.at)) return false;
  const size_t processor = head.rfind(" [");
  if (processor == absl::string_view::npos) return false;
  const absl::string_view task = absl::StripTrailingAsciiWhitespace(head.substr(0, processor));
  const size_t dash = task.rfind('-');
  return dash != absl::string_view::npos && absl::SimpleAtoi(task.substr(dash + 1), &event.thread);
}

}  // namespace

absl::optional<PinEvent> ParsePinEvent(absl::string_view line) {
  line = absl::StripTrailingAsciiWhitespace(line);
  for (const Kind& kind : kKinds) {
    const std::string name = absl::StrCat(": ", kind.name, ": ");
    const size_t at = line.find(name);
    if (at == absl::string_view::npos) continue;
    PinEvent event;
    const absl::optional<What> what = kind.parse(line.substr(at + name.size()));
    if (!what.has_value() || !TakeHead(line.substr(0, at), event)) return absl::nullopt;
    event.what = *what;
    return event;
  }
  return absl::nullopt;
}

std::vector<std::string> UnmappingProbes(absl::string_view group) {
  const auto probe = [&](const char* type, const char* name, const char* function) {
    return absl::StrCat(type, ":", group, "/", name, " ", function);
  };
  return {probe("p", kUnmappingBegins, "tlb_gather_mmu"),
          probe("p", kUnmappingOfAllBegins, "tlb_gather_mmu_fullmm"),
          probe("p", kLettingGoBegins, "tlb_flush_mmu"),
          probe("p", kLastLettingGoBegins, "tlb_finish_mmu"),
          probe("r", kUnmappingEnds, "tlb_finish_mmu")};
}

}  // namespace dmaheap::policy_lab

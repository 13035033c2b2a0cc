// Traces of pins, as people write them for the policy lab, and the kernel's lines of which recorded
// ones are made.

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_split.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/policy_lab/pin_trace.h"
#include "tests/policy_lab/recording/pin_events.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const absl::string_view text = fuzz::AsText(data, size);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const auto event = policy_lab::ParsePinEvent(line);
    if (event.has_value()) DEMAND(event->at >= absl::ZeroDuration() && event->thread >= 0);
  }
  const auto trace = policy_lab::ReadTrace(text);
  if (!trace.ok()) return 0;
  DEMAND(trace->area_pages > 0);
  absl::Duration before = absl::ZeroDuration();
  for (const policy_lab::Pin& pin : trace->pins) {
    DEMAND(pin.page >= 0 && pin.page < trace->area_pages);
    DEMAND(pin.start >= before && pin.duration >= absl::ZeroDuration());
    before = pin.start;
  }
  const auto again = policy_lab::ReadTrace(policy_lab::WriteTrace(*trace, "twice"));
  DEMAND(again.ok() && again->area_pages == trace->area_pages && again->pins == trace->pins);
  DEMAND(again->attempt_times == trace->attempt_times);
  return 0;
}

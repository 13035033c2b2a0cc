// One line of the kernel's trace, as far as it tells of pins in an area: pure functions on text.
//
//   COMM-TID [CPU] FLAGS SECONDS: EVENT: FIELDS
//
// Formats: include/trace/events/{page_ref,page_isolation,cma}.h; Documentation/trace/ftrace.rst and
// kprobetrace.rst for the rest. COMM is the word of any process of the machine, at most 15 bytes:
// the names of the probes below are longer, as those of the other events are, so that it can not
// pass for one.

#ifndef TESTS_POLICY_LAB_RECORDING_PIN_EVENTS_H_
#define TESTS_POLICY_LAB_RECORDING_PIN_EVENTS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap::policy_lab {

// A process begins to take pages out of its page tables: it exits, or unmaps something
// (tlb_gather_mmu, tlb_gather_mmu_fullmm). From then on each has a reference without a mapping.
struct UnmappingBegins {};
// The processors have forgotten the pages that were taken out so far, and the references to them
// are given up, one after another, in the order in which they were taken out (tlb_flush_mmu,
// tlb_finish_mmu).
struct LettingGoBegins {};
struct UnmappingEnds {};
// Somebody took references to a page that he found by a lookup, as a direct transfer or a pipe
// does. excess: its references beyond its mappings before that.
struct ReferenceTaken {
  uint64_t frame = 0;
  int64_t excess = 0;
};
// excess: what is left.
struct ReferenceDropped {
  uint64_t frame = 0;
  int64_t excess = 0;
  // There are others, so the page is not freed.
  bool stays = false;
};
// Somebody wants pages of an area.
struct AttemptBegins {};
// The page for whose sake he could not have a window.
struct WindowRefused {
  uint64_t frame = 0;
};
struct AttemptEnds {
  bool success = false;
};

struct PinEvent {
  // Of the trace's clock.
  absl::Duration at;
  int32_t thread = 0;
  std::variant<UnmappingBegins, LettingGoBegins, UnmappingEnds, ReferenceTaken, ReferenceDropped,
               AttemptBegins, WindowRefused, AttemptEnds>
      what;
};

// Absent for every other line, and for one that is cut off.
absl::optional<PinEvent> ParsePinEvent(absl::string_view line);

// Probes that the kernel must have been told of for the first three: "p:GROUP/NAME FUNCTION", as
// they are written to kprobe_events.
std::vector<std::string> UnmappingProbes(absl::string_view group);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_RECORDING_PIN_EVENTS_H_

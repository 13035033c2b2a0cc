// When which pages of an area were pinned: made up (made_up_traces.h), or recorded from a kernel
// (recording/record_pins.cc), and written as text.
//
//   # anything
//   area_pages 16384
//   attempt_us 12000 25000 48000
//   # start_us duration_us page
//   0 1250 4711
//   830 97000 16 stays
//
// Lines that begin with # are comments; pins are in the order of their starts. attempt_us may be
// left out: then an attempt takes no time.

#ifndef TESTS_POLICY_LAB_PIN_TRACE_H_
#define TESTS_POLICY_LAB_PIN_TRACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dmaheap::policy_lab {

struct Pin {
  // Since the start of the trace.
  absl::Duration start;
  absl::Duration duration;
  // From 0 to the area's.
  int64_t page = 0;
  // What it pins is somebody's after it too, and not freed with its end. An attempt passes over a
  // page that is pinned as it comes by, so such a one is still there when it ends.
  bool stays = false;

  friend bool operator==(const Pin& a, const Pin& b) = default;
};

struct PinTrace {
  int64_t area_pages = 0;
  // How long attempts at the whole area took, whatever came of them, as likely each as the others:
  // from its begin to when it is known whether every page has gone.
  std::vector<absl::Duration> attempt_times;
  std::vector<Pin> pins;

  // When the last pin begins.
  absl::Duration length() const { return pins.empty() ? absl::ZeroDuration() : pins.back().start; }
};

// One after the other, often enough to last for so long. One without pins stays as it is.
PinTrace Repeated(const PinTrace& trace, absl::Duration length);

// comment: what goes before it, in lines of its own.
std::string WriteTrace(const PinTrace& trace, absl::string_view comment = "");
// kInvalidArgument names the line and what is wrong with it.
absl::StatusOr<PinTrace> ReadTrace(absl::string_view text);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_PIN_TRACE_H_

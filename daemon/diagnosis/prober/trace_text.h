// One line of trace_pipe, as far as it tells of pages in the way: pure functions on text.
//
//   COMM-PID [CPU] FLAGS SECONDS: test_pages_isolated: start_pfn=.. end_pfn=.. fin_pfn=.. ret=fail
//   COMM-PID [CPU] FLAGS SECONDS: cma_alloc_finish: name=.. pfn=.. page=.. count=.. .. errorno=..
//   COMM-PID [CPU] FLAGS SECONDS: page_ref_mod_and_test: pfn=.. flags=.. count=.. mapcount=.. ...
//
// Formats: include/trace/events/page_isolation.h, cma.h and page_ref.h;
// Documentation/trace/ftrace.rst for what is before them. COMM is the word of any process of the
// machine: at most 15 bytes, which is shorter than the name of either event, so that it can not
// pass for one.

#ifndef DAEMON_DIAGNOSIS_PROBER_TRACE_TEXT_H_
#define DAEMON_DIAGNOSIS_PROBER_TRACE_TEXT_H_

#include <cstdint>
#include <variant>

#include "absl/strings/string_view.h"

namespace dmaheap {

// An allocation by that thread could not have its window, for the sake of this page.
struct WindowRefused {
  int32_t thread = 0;
  uint64_t frame = 0;
};

// An allocation of that thread is over.
struct AllocationFinished {
  int32_t thread = 0;
  // 0: it has its pages.
  int error_number = 0;
};

// Somebody gave up a reference to that page; what is left.
struct ReferenceDropped {
  // Who gave it up.
  int32_t thread = 0;
  uint64_t frame = 0;
  int64_t references = 0;
  int64_t mappings = 0;
};

using TraceLine = std::variant<std::monostate, WindowRefused, AllocationFinished, ReferenceDropped>;

// monostate for every other line, also for a window that was given and for one that is cut off.
TraceLine ParseTraceLine(absl::string_view line);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_TRACE_TEXT_H_

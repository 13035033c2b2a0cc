// What the kernel's own trace says of a cgroup that was frozen while somebody wanted memory of an
// area: nobody's word but the kernel's, on its clock.

#ifndef TESTS_BENCH_GUEST_FREEZE_TRACE_H_
#define TESTS_BENCH_GUEST_FREEZE_TRACE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/guest/trace_instance.h"
#include "tests/bench/storm_record.h"

namespace dmaheap::bench {

struct TracedFreeze {
  // When it began, of CLOCK_MONOTONIC.
  double seconds = 0;
  Freeze freeze;
};

// Reads a trace with the events cgroup:cgroup_freeze, cgroup:cgroup_unfreeze, cma:cma_alloc_start
// and cma:cma_alloc_finish. path: of the cgroup, as the events have it, which begins with '/'.
// A freeze that has no end in the trace is left out; one in which nobody began to allocate cured
// nothing.
std::vector<TracedFreeze> ParseFreezeTrace(absl::string_view text, absl::string_view path);

// Root. One thread.
class FreezeTrace {
 public:
  // Begins to trace the cgroup at /sys/fs/cgroup/NAME.
  static absl::StatusOr<FreezeTrace> Start(const std::string& name);

  // What came since the last call, in the order of time. Takes tens of milliseconds: nobody may
  // want the area meanwhile.
  absl::StatusOr<std::vector<TracedFreeze>> Take();

 private:
  FreezeTrace(std::unique_ptr<TraceInstance> trace, std::string path)
      : trace_(std::move(trace)), path_(std::move(path)) {}

  std::unique_ptr<TraceInstance> trace_;
  std::string path_;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_FREEZE_TRACE_H_

// The kernel's trace of some events, in an instance of its own, so that nobody else's tracing is
// disturbed (Documentation/trace/ftrace.rst).

#ifndef TESTS_BENCH_GUEST_TRACE_INSTANCE_H_
#define TESTS_BENCH_GUEST_TRACE_INSTANCE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace dmaheap::bench {

struct TraceEvent {
  // Of CLOCK_MONOTONIC.
  double seconds = 0;
  absl::string_view name;
  // "key=value key=value"
  absl::string_view fields;
};

// One line of a trace; absent for a line that is no event. Points into line.
absl::optional<TraceEvent> ParseTraceLine(absl::string_view line);

// How many events the kernel had to drop, by a file per_cpu/cpuN/stats of an instance.
int64_t LostEvents(absl::string_view stats);

struct TraceOptions {
  // For each processor. The default is much more than happens between two calls of Take if each
  // allocation is an event or two.
  int buffer_kib = 1024;
  // By event; those without get all.
  std::map<std::string, std::string> filters = {};
};

// Root. One thread.
class TraceInstance {
 public:
  // events: "SYSTEM/NAME".
  static absl::StatusOr<std::unique_ptr<TraceInstance>> Start(
      const std::string& name, const std::vector<std::string>& events,
      const TraceOptions& options = {});
  // Removes the instance.
  ~TraceInstance();
  TraceInstance(const TraceInstance&) = delete;
  TraceInstance& operator=(const TraceInstance&) = delete;

  // What came since the last call. Takes tens of milliseconds.
  absl::StatusOr<std::string> Take();

  // Nothing comes any more.
  absl::Status Stop() { return Write("tracing_on", "0"); }
  // How many events were dropped since the start, as the buffers were full.
  absl::StatusOr<int64_t> LostEvents() const;

 private:
  explicit TraceInstance(std::string folder) : folder_(std::move(folder)) {}

  absl::Status Write(absl::string_view file, absl::string_view text) const;

  const std::string folder_;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_TRACE_INSTANCE_H_

// Counts system calls of some threads, by the kernel's trace of them.

#ifndef TESTS_BENCH_GUEST_CALL_COUNTER_H_
#define TESTS_BENCH_GUEST_CALL_COUNTER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/diagnosis_record.h"
#include "tests/bench/guest/trace_instance.h"

namespace dmaheap::bench {

// Of the lines of a trace of raw_syscalls/sys_enter.
CallCounts CountCalls(absl::string_view trace);

// Root. One thread.
class CallCounter {
 public:
  // Of all threads that the process has now. name: of the trace, unlike any other.
  static absl::StatusOr<std::unique_ptr<CallCounter>> Start(const std::string& name, pid_t pid);

  // Adds what was called since the last time. INTERNAL: the process has other threads by now, or
  // some calls were not counted.
  absl::Status Take(CallCounts& counts);
  // What was called since the last time counts for nothing.
  absl::Status Skip();

 private:
  CallCounter(pid_t pid, std::vector<pid_t> threads, std::unique_ptr<TraceInstance> trace)
      : pid_(pid), threads_(std::move(threads)), trace_(std::move(trace)) {}

  const pid_t pid_;
  const std::vector<pid_t> threads_;
  const std::unique_ptr<TraceInstance> trace_;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_CALL_COUNTER_H_

// An instance of the kernel's tracer for the prober, made and opened by the keeper, as it takes the
// owner of the files to write them (Documentation/trace/ftrace.rst).
//
// An instance has buffers and events of its own: nobody else's tracing is disturbed. In it, from
// the start, for threads of the broker's that allocate: page_isolation/test_pages_isolated, which
// page refused a window of a CMA area, and cma/cma_alloc_finish, what the allocator came to. Ready
// to be filtered and enabled by the prober, page_ref/page_ref_mod_and_test: a page is let go.

#ifndef DAEMON_KEEPER_TRACE_INSTANCE_H_
#define DAEMON_KEEPER_TRACE_INSTANCE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

inline constexpr char kTraceFolder[] = "/sys/kernel/tracing";

class TraceInstance {
 public:
  // Makes the instance "dmaheapd" below tracefs, or takes that of a daemon that was killed. Errors
  // carry the errno of the file: ENOENT where tracefs is not mounted or the kernel has no such
  // event, EACCES where the account may not.
  static absl::StatusOr<std::unique_ptr<TraceInstance>> Open(const std::string& tracefs);
  // Removes it. No other process may have its files open.
  ~TraceInstance();
  TraceInstance(const TraceInstance&) = delete;
  TraceInstance& operator=(const TraceInstance&) = delete;

  // trace_pipe, which does not block.
  int pipe() const { return pipe_.get(); }
  // Of page_ref_mod_and_test; -1 where the kernel has it not (CONFIG_DEBUG_PAGE_REF).
  int filter() const { return filter_.get(); }
  int enable() const { return enable_.get(); }

 private:
  explicit TraceInstance(std::string folder) : folder_(std::move(folder)) {}

  absl::Status Set(const char* file, const char* text) const;
  absl::StatusOr<UniqueFd> OpenFile(const char* file, int flags) const;

  const std::string folder_;
  UniqueFd pipe_;
  UniqueFd filter_;
  UniqueFd enable_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_TRACE_INSTANCE_H_

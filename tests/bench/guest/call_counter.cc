#include "tests/bench/guest/call_counter.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/bench/process_tree.h"

namespace dmaheap::bench {
namespace {

constexpr char kEvent[] = "raw_syscalls/sys_enter";

}  // namespace

// "NR 232 (3, 7ffc..., ...)"; include/trace/events/syscalls.h.
CallCounts CountCalls(absl::string_view trace) {
  CallCounts counts;
  for (const absl::string_view line : absl::StrSplit(trace, '\n', absl::SkipEmpty())) {
    const auto event = ParseTraceLine(line);
    if (!event.has_value() || event->name != "sys_enter") continue;
    absl::string_view fields = event->fields;
    if (!absl::ConsumePrefix(&fields, "NR ")) continue;
    int64_t number = 0;
    if (absl::SimpleAtoi(fields.substr(0, fields.find(' ')), &number)) ++counts[number];
  }
  return counts;
}

absl::StatusOr<std::unique_ptr<CallCounter>> CallCounter::Start(const std::string& name,
                                                                pid_t pid) {
  std::vector<pid_t> threads = ThreadsOf(pid);
  if (threads.empty()) return absl::NotFoundError(absl::StrCat("no process ", pid));
  const std::string filter = absl::StrJoin(threads, " || ", [](std::string* out, pid_t thread) {
    absl::StrAppend(out, "common_pid == ", thread);
  });
  auto trace =
      TraceInstance::Start(name, {kEvent}, {.buffer_kib = 4096, .filters = {{kEvent, filter}}});
  if (!trace.ok()) return trace.status();
  return std::unique_ptr<CallCounter>(new CallCounter(pid, std::move(threads), *std::move(trace)));
}

absl::Status CallCounter::Take(CallCounts& counts) {
  const auto text = trace_->Take();
  if (!text.ok()) return text.status();
  const auto lost = trace_->LostEvents();
  if (!lost.ok()) return lost.status();
  if (*lost > 0) return absl::InternalError(absl::StrCat(*lost, " calls were not counted"));
  if (ThreadsOf(pid_) != threads_) {
    return absl::InternalError(absl::StrCat("process ", pid_, " has begun or ended threads"));
  }
  for (const auto& [number, count] : CountCalls(*text)) counts[number] += count;
  return absl::OkStatus();
}

absl::Status CallCounter::Skip() { return trace_->Take().status(); }

}  // namespace dmaheap::bench

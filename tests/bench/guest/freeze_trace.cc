#include "tests/bench/guest/freeze_trace.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "proto/errno_status.h"

namespace dmaheap::bench {
namespace {

// Much more than happens between two calls of Take.
constexpr char kBufferKib[] = "1024";

struct Event {
  double seconds = 0;
  absl::string_view name;
  absl::string_view fields;
};

// "   comm-PID   [CPU] FLAGS SECONDS: NAME: FIELDS"; comm may have anything in it
// (Documentation/trace/ftrace.rst), so it is read from behind the processor.
absl::optional<Event> ParseEvent(absl::string_view line) {
  if (absl::StartsWith(line, "#")) return absl::nullopt;
  const size_t processor = line.find("] ");
  if (processor == absl::string_view::npos) return absl::nullopt;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(line.substr(processor + 2), absl::MaxSplits(": ", 2));
  if (parts.size() != 3) return absl::nullopt;
  Event event;
  const size_t space = parts[0].rfind(' ');
  const absl::string_view seconds =
      space == absl::string_view::npos ? parts[0] : parts[0].substr(space + 1);
  if (!absl::SimpleAtod(seconds, &event.seconds)) return absl::nullopt;
  event.name = parts[1];
  event.fields = parts[2];
  return event;
}

}  // namespace

std::vector<TracedFreeze> ParseFreezeTrace(absl::string_view text, absl::string_view path) {
  std::vector<TracedFreeze> freezes;
  const std::string of_path = absl::StrCat("path=", path);
  const auto is_ours = [&](const Event& event) {
    const size_t at = event.fields.find(of_path);
    if (at == absl::string_view::npos) return false;
    const size_t end = at + of_path.size();
    return end == event.fields.size() || event.fields[end] == ' ';
  };
  // One barrier at a time, and one allocation of an area at a time.
  absl::optional<double> frozen_since;
  bool allocating_behind = false;
  bool cured = false;
  // The allocation may end after the thaw.
  absl::optional<size_t> unfinished;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const auto event = ParseEvent(line);
    if (!event.has_value()) continue;
    if (event->name == "cgroup_freeze" && is_ours(*event)) {
      frozen_since = event->seconds;
      allocating_behind = cured = false;
      unfinished.reset();
    } else if (event->name == "cgroup_unfreeze" && is_ours(*event) && frozen_since.has_value()) {
      freezes.push_back({*frozen_since, {(event->seconds - *frozen_since) * 1000, cured}});
      if (allocating_behind) unfinished = freezes.size() - 1;
      frozen_since.reset();
    } else if (event->name == "cma_alloc_start") {
      allocating_behind = frozen_since.has_value();
    } else if (event->name == "cma_alloc_finish" && allocating_behind) {
      allocating_behind = false;
      const bool success = absl::StrContains(event->fields, "errorno=0");
      if (unfinished.has_value()) {
        freezes[*unfinished].freeze.cured = success;
        unfinished.reset();
      } else {
        cured = cured || success;
      }
    }
  }
  return freezes;
}

absl::StatusOr<std::unique_ptr<FreezeTrace>> FreezeTrace::Start(std::string name) {
  std::string folder = "/sys/kernel/tracing/instances/storm";
  if (mkdir(folder.c_str(), 0700) != 0) return ErrnoStatus(errno, folder);
  std::unique_ptr<FreezeTrace> trace(new FreezeTrace(std::move(folder), "/" + name));
  for (const auto& [file, text] :
       {std::pair("buffer_size_kb", kBufferKib), std::pair("trace_clock", "mono"),
        std::pair("events/cgroup/cgroup_freeze/enable", "1"),
        std::pair("events/cgroup/cgroup_unfreeze/enable", "1"),
        std::pair("events/cma/cma_alloc_start/enable", "1"),
        std::pair("events/cma/cma_alloc_finish/enable", "1")}) {
    if (absl::Status status = trace->Write(file, text); !status.ok()) return status;
  }
  return trace;
}

FreezeTrace::~FreezeTrace() { rmdir(folder_.c_str()); }

absl::Status FreezeTrace::Write(absl::string_view file, absl::string_view text) const {
  const std::string path = absl::StrCat(folder_, "/", file);
  std::ofstream stream(path);
  stream << text << std::flush;
  if (!stream) return absl::UnavailableError(absl::StrCat(path, " can not be written"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TracedFreeze>> FreezeTrace::Take() {
  std::ifstream file(folder_ + "/trace");
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::UnavailableError(absl::StrCat(folder_, "/trace can not be read"));
  // To open it for writing empties it.
  if (absl::Status status = Write("trace", " "); !status.ok()) return status;
  return ParseFreezeTrace(text.str(), path_);
}

}  // namespace dmaheap::bench

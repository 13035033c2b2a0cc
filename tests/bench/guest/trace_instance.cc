#include "tests/bench/guest/trace_instance.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/errno_status.h"

namespace dmaheap::bench {
namespace {

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::UnavailableError(absl::StrCat(path, " can not be read"));
  return text.str();
}

}  // namespace

// "   comm-PID   [CPU] FLAGS SECONDS: NAME: FIELDS"; comm may have anything in it, so it is read
// from behind the processor.
absl::optional<TraceEvent> ParseTraceLine(absl::string_view line) {
  if (absl::StartsWith(line, "#")) return absl::nullopt;
  const size_t processor = line.find("] ");
  if (processor == absl::string_view::npos) return absl::nullopt;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(line.substr(processor + 2), absl::MaxSplits(": ", 2));
  if (parts.size() != 3) return absl::nullopt;
  TraceEvent event;
  const size_t space = parts[0].rfind(' ');
  const absl::string_view seconds =
      space == absl::string_view::npos ? parts[0] : parts[0].substr(space + 1);
  if (!absl::SimpleAtod(seconds, &event.seconds)) return absl::nullopt;
  event.name = parts[1];
  event.fields = parts[2];
  return event;
}

// "overrun: 5": written over. "dropped events: 5": not written. Documentation/trace/ftrace.rst.
int64_t LostEvents(absl::string_view stats) {
  int64_t lost = 0;
  for (const absl::string_view line : absl::StrSplit(stats, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ": ");
    if (parts.size() != 2) continue;
    int64_t count = 0;
    const bool is_loss =
        parts[0] == "overrun" || parts[0] == "commit overrun" || parts[0] == "dropped events";
    if (is_loss && absl::SimpleAtoi(parts[1], &count)) lost += count;
  }
  return lost;
}

absl::StatusOr<std::unique_ptr<TraceInstance>> TraceInstance::Start(
    const std::string& name, const std::vector<std::string>& events, const TraceOptions& options) {
  std::string folder = absl::StrCat("/sys/kernel/tracing/instances/", name);
  if (mkdir(folder.c_str(), 0700) != 0) return ErrnoStatus(errno, folder);
  std::unique_ptr<TraceInstance> trace(new TraceInstance(std::move(folder)));
  const std::string buffer = absl::StrCat(options.buffer_kib);
  if (absl::Status status = trace->Write("buffer_size_kb", buffer); !status.ok()) return status;
  if (absl::Status status = trace->Write("trace_clock", "mono"); !status.ok()) return status;
  for (const auto& [event, filter] : options.filters) {
    absl::Status status = trace->Write(absl::StrCat("events/", event, "/filter"), filter);
    if (!status.ok()) return status;
  }
  for (const std::string& event : events) {
    absl::Status status = trace->Write(absl::StrCat("events/", event, "/enable"), "1");
    if (!status.ok()) return status;
  }
  return trace;
}

TraceInstance::~TraceInstance() { rmdir(folder_.c_str()); }

absl::Status TraceInstance::Write(absl::string_view file, absl::string_view text) const {
  const std::string path = absl::StrCat(folder_, "/", file);
  std::ofstream stream(path);
  stream << text << std::flush;
  if (!stream) return absl::UnavailableError(absl::StrCat(path, " can not be written"));
  return absl::OkStatus();
}

absl::StatusOr<std::string> TraceInstance::Take() {
  absl::StatusOr<std::string> text = ReadAll(folder_ + "/trace");
  if (!text.ok()) return text;
  // To open it for writing empties it.
  if (absl::Status status = Write("trace", " "); !status.ok()) return status;
  return text;
}

absl::StatusOr<int64_t> TraceInstance::LostEvents() const {
  int64_t lost = 0;
  for (int cpu = 0;; ++cpu) {
    const absl::StatusOr<std::string> stats =
        ReadAll(absl::StrCat(folder_, "/per_cpu/cpu", cpu, "/stats"));
    // At least one processor is there.
    if (!stats.ok()) return cpu > 0 ? absl::StatusOr<int64_t>(lost) : stats.status();
    lost += bench::LostEvents(*stats);
  }
}

}  // namespace dmaheap::bench

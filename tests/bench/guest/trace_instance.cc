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

// Much more than happens between two calls of Take.
constexpr char kBufferKib[] = "1024";

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

absl::StatusOr<std::unique_ptr<TraceInstance>> TraceInstance::Start(
    const std::string& name, const std::vector<std::string>& events) {
  std::string folder = absl::StrCat("/sys/kernel/tracing/instances/", name);
  if (mkdir(folder.c_str(), 0700) != 0) return ErrnoStatus(errno, folder);
  std::unique_ptr<TraceInstance> trace(new TraceInstance(std::move(folder)));
  if (absl::Status status = trace->Write("buffer_size_kb", kBufferKib); !status.ok()) return status;
  if (absl::Status status = trace->Write("trace_clock", "mono"); !status.ok()) return status;
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
  std::ifstream file(folder_ + "/trace");
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::UnavailableError(absl::StrCat(folder_, "/trace can not be read"));
  // To open it for writing empties it.
  if (absl::Status status = Write("trace", " "); !status.ok()) return status;
  return text.str();
}

}  // namespace dmaheap::bench

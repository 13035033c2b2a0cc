#include "daemon/keeper/trace_instance.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "daemon/limits.h"
#include "proto/errno_status.h"

namespace dmaheap {

absl::StatusOr<std::unique_ptr<TraceInstance>> TraceInstance::Open(const std::string& tracefs) {
  const std::string folder = absl::StrCat(tracefs, "/instances/dmaheapd");
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, absl::StrCat("making ", folder));
  }
  auto trace = std::unique_ptr<TraceInstance>(new TraceInstance(folder));
  const std::string ours = absl::StrCat("comm ~ \"", kHeapThreadPrefix, "*\"");
  // A reader is woken by the first line, not by a half-full buffer; some lines are kept, not
  // megabytes of them for each processor; and of our own allocations only, since each line that is
  // read is made into text then.
  for (const auto& [file, text] :
       {std::pair("buffer_percent", "0"), std::pair("buffer_size_kb", "16"),
        std::pair("events/page_isolation/test_pages_isolated/filter", ours.c_str()),
        std::pair("events/page_isolation/test_pages_isolated/enable", "1")}) {
    if (absl::Status status = trace->Set(file, text); !status.ok()) return status;
  }
  // Since Linux 5.12; without it the page alone is told.
  for (const auto& [file, text] : {std::pair("events/cma/cma_alloc_finish/filter", ours.c_str()),
                                   std::pair("events/cma/cma_alloc_finish/enable", "1")}) {
    if (!trace->Set(file, text).ok()) break;
  }
  absl::StatusOr<UniqueFd> pipe = trace->OpenFile("trace_pipe", O_RDONLY | O_NONBLOCK);
  if (!pipe.ok()) return pipe.status();
  trace->pipe_ = *std::move(pipe);

  constexpr char kEnable[] = "events/page_ref/page_ref_mod_and_test/enable";
  // Left on by a daemon that was killed.
  if (!trace->Set(kEnable, "0").ok()) return trace;
  absl::StatusOr<UniqueFd> enable = trace->OpenFile(kEnable, O_WRONLY);
  absl::StatusOr<UniqueFd> filter =
      trace->OpenFile("events/page_ref/page_ref_mod_and_test/filter", O_WRONLY);
  if (enable.ok() && filter.ok()) {
    trace->enable_ = *std::move(enable);
    trace->filter_ = *std::move(filter);
  }
  return trace;
}

TraceInstance::~TraceInstance() {
  pipe_.Reset();
  filter_.Reset();
  enable_.Reset();
  rmdir(folder_.c_str());
}

absl::Status TraceInstance::Set(const char* file, const char* text) const {
  const absl::StatusOr<UniqueFd> opened = OpenFile(file, O_WRONLY);
  if (!opened.ok()) return opened.status();
  const auto length = static_cast<ssize_t>(strlen(text));
  if (write(opened->get(), text, strlen(text)) == length) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("writing ", folder_, "/", file));
}

absl::StatusOr<UniqueFd> TraceInstance::OpenFile(const char* file, int flags) const {
  const std::string path = absl::StrCat(folder_, "/", file);
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("opening ", path));
  return fd;
}

}  // namespace dmaheap

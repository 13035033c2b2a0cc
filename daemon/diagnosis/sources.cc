#include "daemon/diagnosis/sources.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using Source = v1::EvidenceSource;

struct Row {
  Source::Kind kind;
  v1::Diagnosis::EvidenceLevel level;
  // What has to be there, beside the capabilities.
  const char* needs;
  const char* capabilities;
};

// The capabilities: fs/proc/task_mmu.c, fs/proc/page.c, mm/page_idle.c, kernel/printk/printk.c, and
// debugfs's own modes.
constexpr Row kRows[] = {
    {Source::HEAP_NUMBERS, v1::Diagnosis::L1,
     "a kernel that counts the free pages of an area (CONFIG_CMA_SYSFS, since 6.14), and sysfs at "
     "/sys",
     ""},
    {Source::FREE_LIST, v1::Diagnosis::L1,
     "a kernel with CONFIG_CMA_DEBUGFS, and debugfs at /sys/kernel/debug", "CAP_DAC_READ_SEARCH"},
    {Source::KERNEL_LOG, v1::Diagnosis::L1, "a kernel with CONFIG_PRINTK, and its node /dev/kmsg",
     "CAP_SYSLOG, or kernel.dmesg_restrict=0, at its start"},
    {Source::TRACE, v1::Diagnosis::L2,
     "a kernel with the events cma and page_isolation, and tracefs at /sys/kernel/tracing",
     "root, or write access to tracefs, at the daemon's start"},
    {Source::PAGE_FLAGS, v1::Diagnosis::L3, "a kernel with CONFIG_PROC_PAGE_MONITOR",
     "CAP_DAC_READ_SEARCH"},
    {Source::PAGE_MAPS, v1::Diagnosis::L3, "a kernel with CONFIG_PROC_PAGE_MONITOR",
     "CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"},
    {Source::PROCESS_FILES, v1::Diagnosis::L3, "/proc", "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"},
    {Source::REFERENCES, v1::Diagnosis::L4,
     "a kernel with CONFIG_DEBUG_PAGE_REF and CONFIG_IDLE_PAGE_TRACKING",
     "CAP_DAC_READ_SEARCH, and root at the daemon's start"},
};

int ErrorOf(const SourceErrors& errors, Source::Kind kind) {
  const auto found = errors.find(kind);
  return found == errors.end() ? ENOTCONN : found->second;
}

std::string RemedyFor(const Row& row, int error_number) {
  switch (error_number) {
    case 0:
      return "";
    case ENOTCONN:
      return "the daemon's prober has not answered: see its log";
    case EACCES:
    case EPERM:
      return absl::StrCat("the daemon needs ", row.capabilities);
    case ENOENT:
    case ENOTSUP:
      return absl::StrCat("it needs ", row.needs,
                          *row.capabilities == '\0' ? "" : absl::StrCat("; ", row.capabilities));
    default:
      return "see the daemon's log";
  }
}

}  // namespace

std::vector<Source> DescribeSources(const SourceErrors& errors) {
  std::vector<Source> sources;
  for (const Row& row : kRows) {
    Source& source = sources.emplace_back();
    const int error_number = ErrorOf(errors, row.kind);
    source.set_kind(row.kind);
    source.set_level(row.level);
    if (error_number == 0) continue;
    source.set_errno_name(std::string(ErrnoName(error_number)));
    source.set_remedy(RemedyFor(row, error_number));
  }
  return sources;
}

v1::Diagnosis::EvidenceLevel BestLevel(const SourceErrors& errors) {
  const auto tells = [&](Source::Kind kind) { return ErrorOf(errors, kind) == 0; };
  if (tells(Source::TRACE)) {
    if (tells(Source::REFERENCES)) return v1::Diagnosis::L4;
    if (tells(Source::PAGE_FLAGS) || tells(Source::PAGE_MAPS)) return v1::Diagnosis::L3;
    return v1::Diagnosis::L2;
  }
  if (tells(Source::HEAP_NUMBERS) || tells(Source::FREE_LIST) || tells(Source::KERNEL_LOG)) {
    return v1::Diagnosis::L1;
  }
  return v1::Diagnosis::L0;
}

}  // namespace dmaheap

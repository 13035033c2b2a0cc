#include "daemon/diagnosis/prober/sources.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// Another user's process that every machine has, and every pid namespace.
constexpr absl::string_view kAnotherProcess = "1";

// Of that one: enough for a page that is present.
constexpr size_t kMapsBytes = 16384;
constexpr size_t kEntriesPerMapping = 512;

int ErrorOf(const absl::Status& status) { return GetErrno(status); }

int TryFolder(const std::string& root, absl::string_view path) {
  const absl::StatusOr<UniqueFd> folder = OpenRoot(root);
  if (!folder.ok()) return ErrorOf(folder.status());
  return ErrorOf(OpenFolderBelow(folder->get(), path).status());
}

// Whether a number of 64 bits can be read there.
int TryTable(const std::string& root, absl::string_view path) {
  const absl::StatusOr<UniqueFd> folder = OpenRoot(root);
  if (!folder.ok()) return ErrorOf(folder.status());
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(folder->get(), path);
  if (!file.ok()) return ErrorOf(file.status());
  uint64_t number = 0;
  const ssize_t got = pread(file->get(), &number, sizeof(number), 0);
  if (got < 0) return errno;
  return got == sizeof(number) ? 0 : ENODATA;
}

int TryPageFlags(const ProberRoots& roots) {
  const int flags = TryTable(roots.proc, "kpageflags");
  return flags != 0 ? flags : TryTable(roots.proc, "kpagecount");
}

// EPERM where the kernel tells which pages are present, but not their numbers.
int TryPageMaps(const ProberRoots& roots, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> proc = OpenRoot(roots.proc);
  if (!proc.ok()) return ErrorOf(proc.status());
  const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc->get(), kAnotherProcess);
  if (!process.ok()) return ErrorOf(process.status());
  const absl::StatusOr<UniqueFd> maps = OpenFileBelow(process->get(), "maps");
  if (!maps.ok()) return ErrorOf(maps.status());
  const absl::StatusOr<UniqueFd> pagemap = OpenFileBelow(process->get(), "pagemap");
  if (!pagemap.ok()) return ErrorOf(pagemap.status());
  const absl::StatusOr<FileText> text = ReadAll(maps->get(), kMapsBytes, box);
  if (!text.ok()) return ErrorOf(text.status());
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  PagemapCount count;
  for (const absl::string_view line : absl::StrSplit(text->bytes, '\n', absl::SkipEmpty())) {
    const absl::optional<AddressRange> addresses = ParseAddresses(line);
    if (!addresses.has_value()) continue;
    std::vector<uint64_t> entries(kEntriesPerMapping);
    const ssize_t got = pread(pagemap->get(), entries.data(), entries.size() * sizeof(uint64_t),
                              static_cast<off_t>(addresses->begin / page_bytes * sizeof(uint64_t)));
    if (got <= 0) continue;
    entries.resize(static_cast<size_t>(got) / sizeof(uint64_t));
    CountFrames(entries, FrameRange(), count);
    if (count.numbers_shown) return 0;
  }
  return count.present > 0 ? EPERM : ENODATA;
}

int TryProcessFiles(const ProberRoots& roots, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> proc = OpenRoot(roots.proc);
  if (!proc.ok()) return ErrorOf(proc.status());
  const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc->get(), kAnotherProcess);
  if (!process.ok()) return ErrorOf(process.status());
  const absl::StatusOr<UniqueFd> files = OpenFolderBelow(process->get(), "fd");
  if (!files.ok()) return ErrorOf(files.status());
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(*files, box);
  if (!names.ok()) return ErrorOf(names.status());
  // To list them is less than to be told what they are.
  for (const std::string& name : *names) {
    char target[1];
    if (readlinkat(files->get(), name.c_str(), target, sizeof(target)) >= 0) return 0;
    if (errno != ENOENT) return errno;
  }
  return 0;
}

int TryReferences(const ProberRoots& roots, const PageTracer& pages) {
  const int bitmap = TryTable(roots.sys, "kernel/mm/page_idle/bitmap");
  if (bitmap != 0) return bitmap;
  return pages.counts_references() ? 0 : ENOTSUP;
}

}  // namespace

ProberReply FindSources(const ProberRoots& roots, const PageTracer& pages, KernelLog& log,
                        const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kSources;
  reply.sources = {
      {EvidenceSource::kFreeList, TryFolder(roots.debugfs, "cma")},
      {EvidenceSource::kTrace, pages.traces() ? 0 : ENOTSUP},
      {EvidenceSource::kPageFlags, TryPageFlags(roots)},
      {EvidenceSource::kPageMaps, TryPageMaps(roots, box)},
      {EvidenceSource::kProcessFiles, TryProcessFiles(roots, box)},
      {EvidenceSource::kReferences, TryReferences(roots, pages)},
      {EvidenceSource::kKernelLog, log.Read(box)},
  };
  return reply;
}

}  // namespace dmaheap

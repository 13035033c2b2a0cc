#include "daemon/diagnosis/prober/page_owner.h"

#include <unistd.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/page_owner_text.h"
#include "daemon/diagnosis/prober/process_identity.h"
#include "daemon/diagnosis/prober/process_origin.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// The kernel writes no more than a page of one (mm/page_owner.c, print_page_owner).
constexpr size_t kTextBytes = 4096;
// Of a huge page, and of the largest block that the kernel's allocator has.
constexpr uint32_t kMaxOrder = 10;

// The offset is a frame: what is read is the first page from there on that is somebody's.
absl::optional<PageOwner> ReadFrom(const UniqueFd& file, uint64_t frame) {
  std::string text(kTextBytes, '\0');
  const ssize_t got = pread(file.get(), text.data(), text.size(), static_cast<off_t>(frame));
  if (got <= 0) return absl::nullopt;
  text.resize(static_cast<size_t>(got));
  return ParsePageOwner(text);
}

// It may be one of many that were asked for at once, of which the kernel tells the first.
absl::optional<PageOwner> OwnerOf(const UniqueFd& file, uint64_t frame) {
  for (uint32_t order = 0; order <= kMaxOrder; ++order) {
    const uint64_t first = frame & ~((uint64_t{1} << order) - 1);
    // From 0 on the kernel begins elsewhere.
    if (first == 0) break;
    const absl::optional<PageOwner> owner = ReadFrom(file, first);
    if (owner.has_value() && owner->frame <= frame &&
        frame - owner->frame < uint64_t{1} << owner->order) {
      return owner;
    }
  }
  return absl::nullopt;
}

}  // namespace

absl::optional<ProcessRecord> FindPageAllocator(const ProberRoots& roots, uint64_t frame,
                                                const TimeBox& box) {
  const absl::StatusOr<UniqueFd> debugfs = OpenRoot(roots.debugfs);
  if (!debugfs.ok()) return absl::nullopt;
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(debugfs->get(), "page_owner");
  if (!file.ok()) return absl::nullopt;
  const absl::optional<PageOwner> owner = OwnerOf(*file, frame);
  // 0: no process, but the kernel itself at its start.
  if (!owner.has_value() || owner->pid == 0) return absl::nullopt;
  ProcessRecord gone{.pid = owner->pid};
  PutText(owner->name, gone.name, sizeof(gone.name));
  const absl::StatusOr<UniqueFd> proc = OpenRoot(roots.proc);
  if (!proc.ok()) return gone;
  // The folder is of one process for good.
  const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc->get(), absl::StrCat(owner->pid));
  if (!process.ok()) return gone;
  const absl::optional<ProcessOrigin> origin = ReadProcessOrigin(process->get(), box);
  // The clock of the former stands still while the machine sleeps, so it is never ahead.
  if (!origin.has_value() || origin->began > owner->allocated) return gone;
  return DescribeProcess(process->get(), owner->pid);
}

}  // namespace dmaheap

#include "daemon/diagnosis/prober/mapper_scanner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/diagnosis/prober/file_openers.h"
#include "daemon/diagnosis/prober/frame_tables.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/proc_text.h"
#include "daemon/diagnosis/prober/process_identity.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// maps of a process with 10,000 mappings.
constexpr size_t kMapsBytes = 1 << 20;
// Entries of one read: 32 KiB, for 16 MiB of address space.
constexpr size_t kEntriesPerRead = 4096;
// Reading 2 MiB of pagemap for each GiB takes its time, so what is reserved in terabytes (a
// sanitizer's shadow, a garbage collector's heap) is left out.
constexpr uint64_t kMaxMappingBytes = uint64_t{64} << 30;

class Scan {
 public:
  Scan(const FrameRange& range, const TimeBox& box)
      : range_(range), box_(box), page_bytes_(static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) {}

  void Look(const UniqueFd& proc, ProberReply& reply) {
    const absl::StatusOr<std::vector<std::string>> names = ListFolder(proc, box_);
    if (!names.ok()) {
      reply.flags |= kProberHoldersPartial;
      return;
    }
    for (const std::string& name : *names) {
      int32_t pid = 0;
      if (!absl::SimpleAtoi(name, &pid) || pid <= 0) continue;
      if (box_.Ended() || !LookInto(proc.get(), pid, reply)) reply.flags |= kProberHoldersPartial;
    }
    if (present_ && !shown_) reply.error_number = EPERM;
  }

  // That one of the pages is of, by who maps it.
  const absl::optional<MappedFile>& file() const { return file_; }

  // Into found.pages, and the path of the first that has a file.
  bool Count(int process, MapperRecord& found) {
    const absl::StatusOr<UniqueFd> maps = OpenFileBelow(process, "maps");
    const absl::StatusOr<UniqueFd> pagemap = OpenFileBelow(process, "pagemap");
    if (!maps.ok() || !pagemap.ok()) {
      return IsGone(maps.status()) || IsGone(pagemap.status());
    }
    const absl::StatusOr<FileText> text = ReadAll(maps->get(), kMapsBytes, box_);
    if (!text.ok()) return IsGone(text.status());
    bool whole = text->complete;
    for (const absl::string_view line : absl::StrSplit(text->bytes, '\n', absl::SkipEmpty())) {
      const absl::optional<AddressRange> addresses = ParseAddresses(line);
      if (!addresses.has_value()) continue;
      PagemapCount count;
      whole = ReadPagemap(pagemap->get(), *addresses, count) && whole;
      present_ = present_ || count.present > 0;
      shown_ = shown_ || count.numbers_shown;
      found.pages += count.inside;
      if (count.inside > 0 && found.path[0] == '\0') PutPath(line, found);
    }
    return whole;
  }

 private:
  // Whether all of it was seen; a process that is gone was.
  bool LookInto(int proc, int32_t pid, ProberReply& reply) {
    // The folder is of one process for good: what is read below it is that one's.
    const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc, absl::StrCat(pid));
    if (!process.ok()) return IsGone(process.status());
    MapperRecord found;
    const bool whole = Count(process->get(), found);
    if (found.pages == 0) return whole;
    found.process = DescribeProcess(process->get(), pid);
    reply.mappers.push_back(found);
    return whole;
  }

  // "[heap]" and the like are no files.
  void PutPath(absl::string_view maps_line, MapperRecord& found) {
    const absl::optional<MapsLine> line = ParseMapsLine(maps_line);
    if (!line.has_value() || !absl::StartsWith(line->path, "/")) return;
    PutText(line->path, found.path, sizeof(found.path));
    if (file_.has_value()) return;
    file_ = MappedFile{
        .device = std::string(line->device), .inode = line->inode, .path = std::string(line->path)};
  }

  static bool IsGone(const absl::Status& status) {
    const int error = GetErrno(status);
    return error == ENOENT || error == ESRCH;
  }

  bool ReadPagemap(int pagemap, const AddressRange& addresses, PagemapCount& count) {
    if (addresses.end - addresses.begin > kMaxMappingBytes) return false;
    uint64_t page = addresses.begin / page_bytes_;
    const uint64_t end = addresses.end / page_bytes_;
    while (page < end) {
      if (box_.Ended()) return false;
      const size_t wanted = std::min<uint64_t>(kEntriesPerRead, end - page);
      const ssize_t got = pread(pagemap, entries_.data(), wanted * sizeof(uint64_t),
                                static_cast<off_t>(page * sizeof(uint64_t)));
      if (got < 0 && errno == EINTR) continue;
      // 0: the process has ended.
      if (got < static_cast<ssize_t>(sizeof(uint64_t))) return got >= 0 || errno == ESRCH;
      const size_t taken = static_cast<size_t>(got) / sizeof(uint64_t);
      CountFrames(absl::MakeConstSpan(entries_.data(), taken), range_, count);
      page += taken;
    }
    return true;
  }

  const FrameRange range_;
  const TimeBox& box_;
  const uint64_t page_bytes_;
  std::vector<uint64_t> entries_ = std::vector<uint64_t>(kEntriesPerRead);
  bool present_ = false;
  bool shown_ = false;
  absl::optional<MappedFile> file_ = absl::nullopt;
};

}  // namespace

ProberReply FindMappers(const ProberRoots& roots, absl::string_view text, const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kWhoMaps;
  const absl::optional<FrameRange> range = ParseFrameRange(text);
  if (!range.has_value()) {
    reply.error_number = EINVAL;
    return reply;
  }
  const absl::StatusOr<UniqueFd> proc = OpenRoot(roots.proc);
  if (!proc.ok()) {
    reply.error_number = GetErrno(proc.status());
    return reply;
  }
  FrameRecord frame;
  frame.frame = range->first;
  ReadMapCount(proc->get(), frame);
  ReadFrameFlags(proc->get(), frame);
  reply.frames.push_back(frame);
  Scan scan(*range, box);
  scan.Look(*proc, reply);
  // A page of its own in a mapping of a file is not the file's.
  const bool of_file =
      (frame.present & kFrameFlags) != 0 && KindOfFrame(frame.flags) == FrameKind::kPageCache;
  if (of_file && scan.file().has_value()) FindOpeners(*proc, *scan.file(), box, reply);
  return reply;
}

bool MapsFrame(int process, uint64_t frame, const TimeBox& box) {
  MapperRecord found;
  Scan({.first = frame, .count = 1}, box).Count(process, found);
  return found.pages > 0;
}

}  // namespace dmaheap

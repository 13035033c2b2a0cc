#include "daemon/diagnosis/prober/proc_scanner.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/bufinfo.h"
#include "daemon/diagnosis/prober/proc_text.h"
#include "daemon/diagnosis/prober/tree.h"
#include "heaps/memfd_name.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// The kernel's own part of an fdinfo takes some 200 bytes, and what follows is of no interest.
constexpr size_t kFdInfoBytes = 4096;

// Targets of interest are "/dmabuf:" and at most 31 bytes, or "/memfd:" and at most 249
// (memfd_create(2)) and " (deleted)".
constexpr size_t kLinkBytes = 320;

// maps is read in pieces; no line is longer than a path (PATH_MAX) and its numbers.
constexpr size_t kMapsChunkBytes = 65536;
constexpr size_t kMapsLineBytes = 8192;

// What an error on the way into a process means.
enum class Trouble { kGone, kRefused };

Trouble Classify(int error) {
  return error == ENOENT || error == ESRCH ? Trouble::kGone : Trouble::kRefused;
}

std::string ReadLink(int folder, const std::string& name) {
  char target[kLinkBytes];
  const ssize_t length = readlinkat(folder, name.c_str(), target, sizeof(target));
  return length > 0 ? std::string(target, static_cast<size_t>(length)) : std::string();
}

BufferRecord& RecordOf(ScanResult& result, BufferBacking backing, uint64_t inode) {
  BufferRecord& record = result.buffers[{backing, inode}];
  record.backing = backing;
  record.inode = inode;
  return record;
}

}  // namespace

MemfdMark LearnMemfdMark() {
  MemfdMark mark;
  const UniqueFd memfd(memfd_create("mark", MFD_CLOEXEC));
  struct stat status;
  if (!memfd.valid() || fstat(memfd.get(), &status) != 0) return mark;
  // fs/proc/task_mmu.c writes "%02x:%02x".
  mark.device = absl::StrFormat("%02x:%02x", major(status.st_dev), minor(status.st_dev));
  const UniqueFd file(
      open(absl::StrCat("/proc/self/fdinfo/", memfd.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return mark;
  const absl::StatusOr<FileText> text =
      ReadAll(file.get(), kFdInfoBytes, TimeBox(absl::InfiniteDuration()));
  if (text.ok()) mark.mount_id = ParseFdInfo(text->bytes).mount_id;
  return mark;
}

absl::StatusOr<ScanResult> ProcScanner::Scan(int proc, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> folder = [&]() -> absl::StatusOr<UniqueFd> {
    UniqueFd own(fcntl(proc, F_DUPFD_CLOEXEC, 0));
    if (!own.valid()) return ErrnoStatus(errno, "duplicating the folder of processes");
    return own;
  }();
  if (!folder.ok()) return folder.status();
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(*folder, box);
  if (!names.ok()) return names.status();
  std::vector<int32_t> pids;
  for (const std::string& name : *names) {
    int32_t pid = 0;
    if (absl::SimpleAtoi(name, &pid) && pid > 0) pids.push_back(pid);
  }
  std::sort(pids.begin(), pids.end());
  std::rotate(pids.begin(), std::lower_bound(pids.begin(), pids.end(), next_pid_), pids.end());

  ScanResult result;
  next_pid_ = 0;
  for (const int32_t pid : pids) {
    const bool ended = box.Ended();
    const Seen seen = ended ? Seen::kPartly : ScanProcess(proc, pid, box, result);
    if (seen == Seen::kPartly) result.partial = true;
    if (ended || (seen == Seen::kPartly && box.Ended())) {
      // A process that takes longer than a whole box is not tried again and again.
      next_pid_ = ended ? pid : pid + 1;
      break;
    }
  }
  for (const auto& [key, count] : result.holds) {
    BufferRecord& record = RecordOf(result, key.backing, key.inode);
    // One process that holds it in two ways is one holder.
    const auto fd_key = HoldKey{key.backing, key.inode, key.pid, HoldKind::kFd};
    if (key.kind == HoldKind::kFd || result.holds.count(fd_key) == 0) ++record.holders;
  }
  return result;
}

ProcScanner::Seen ProcScanner::ScanProcess(int proc, int32_t pid, const TimeBox& box,
                                           ScanResult& result) {
  const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc, absl::StrCat(pid));
  if (!process.ok()) {
    return Classify(GetErrno(process.status())) == Trouble::kGone ? Seen::kGone : Seen::kPartly;
  }
  const Seen fds = ScanFds(process->get(), pid, box, result);
  const Seen maps = ScanMaps(process->get(), pid, box, result);
  return fds == Seen::kPartly || maps == Seen::kPartly ? Seen::kPartly : Seen::kWhole;
}

ProcScanner::Seen ProcScanner::ScanFds(int process, int32_t pid, const TimeBox& box,
                                       ScanResult& result) {
  const absl::StatusOr<UniqueFd> fds = OpenFolderBelow(process, "fd");
  if (!fds.ok()) {
    return Classify(GetErrno(fds.status())) == Trouble::kGone ? Seen::kGone : Seen::kPartly;
  }
  const absl::StatusOr<std::vector<std::string>> numbers = ListFolder(*fds, box);
  if (!numbers.ok()) {
    return Classify(GetErrno(numbers.status())) == Trouble::kGone ? Seen::kGone : Seen::kPartly;
  }
  // Looking at the clock costs less than a readlink.
  for (const std::string& number : *numbers) {
    if (box.Ended()) return Seen::kPartly;
    const std::string path = ReadLink(fds->get(), number);
    const absl::optional<BufferBacking> backing = ClassifyPath(path);
    if (backing.has_value()) {
      TakeFd({process, fds->get(), pid}, number, path, *backing, box, result);
    }
  }
  return Seen::kWhole;
}

void ProcScanner::TakeFd(const Process& process, const std::string& number, absl::string_view path,
                         BufferBacking backing, const TimeBox& box, ScanResult& result) {
  const absl::StatusOr<UniqueFd> file =
      OpenFileBelow(process.folder, absl::StrCat("fdinfo/", number));
  if (!file.ok()) return;
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kFdInfoBytes, box);
  if (!text.ok()) return;
  FdInfo info = ParseFdInfo(text->bytes);
  const bool is_memfd = backing == BufferBacking::kMemfd;
  if (is_memfd && mark_.mount_id.has_value() && info.mount_id != mark_.mount_id) return;
  if (!info.inode.has_value() || is_memfd) {
    // The one link that is followed, and only asked for what the kernel already knows of its target
    // (AT_STATX_DONT_SYNC), so that no file system of somebody else can make us wait.
    struct statx status;
    if (statx(process.fds, number.c_str(), AT_STATX_DONT_SYNC, STATX_INO | STATX_SIZE, &status) ==
        0) {
      if (!info.inode.has_value()) info.inode = status.stx_ino;
      // Another file took the number meanwhile if the inodes differ.
      if (is_memfd && info.inode == status.stx_ino) info.size_bytes = status.stx_size;
    }
  }
  if (!info.inode.has_value()) return;
  BufferRecord& record = RecordOf(result, backing, *info.inode);
  if (info.size_bytes.has_value()) record.size_bytes = *info.size_bytes;
  if (info.references.has_value()) {
    record.references = static_cast<uint32_t>(
        std::min<uint64_t>(*info.references, std::numeric_limits<uint32_t>::max()));
  }
  CopyText(info.exporter, record.exporter);
  CopyText(is_memfd ? LabelOfMemfd(path) : absl::string_view(info.name), record.name);
  ++result.holds[HoldKey{backing, *info.inode, process.pid, HoldKind::kFd}];
}

ProcScanner::Seen ProcScanner::ScanMaps(int process, int32_t pid, const TimeBox& box,
                                        ScanResult& result) {
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(process, "maps");
  if (!file.ok()) {
    return Classify(GetErrno(file.status())) == Trouble::kGone ? Seen::kGone : Seen::kPartly;
  }
  std::string rest;
  while (!box.Ended()) {
    const absl::StatusOr<FileText> chunk = ReadAll(file->get(), kMapsChunkBytes, box);
    if (!chunk.ok()) {
      return Classify(GetErrno(chunk.status())) == Trouble::kGone ? Seen::kGone : Seen::kPartly;
    }
    rest += chunk->bytes;
    size_t begin = 0;
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      TakeMapsLine(absl::string_view(rest).substr(begin, end - begin), pid, result);
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (chunk->complete) return Seen::kWhole;
    if (rest.size() > kMapsLineBytes) return Seen::kPartly;
  }
  return Seen::kPartly;
}

void ProcScanner::TakeMapsLine(absl::string_view line, int32_t pid, ScanResult& result) {
  // Nearly all lines end here, at the least cost.
  if (!absl::StrContains(line, "dmabuf") && !absl::StrContains(line, kMemfdNamePrefix)) return;
  const absl::optional<MapsLine> map = ParseMapsLine(line);
  if (!map.has_value()) return;
  const absl::optional<BufferBacking> backing = ClassifyPath(map->path);
  if (!backing.has_value()) return;
  if (*backing == BufferBacking::kMemfd && !mark_.device.empty() && map->device != mark_.device) {
    return;
  }
  RecordOf(result, *backing, map->inode);
  ++result.holds[HoldKey{*backing, map->inode, pid, HoldKind::kMapping}];
}

}  // namespace dmaheap

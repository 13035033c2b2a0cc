#include "daemon/diagnosis/prober/pinner_scanner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/direct_transfers.h"
#include "daemon/diagnosis/prober/fork_scanner.h"
#include "daemon/diagnosis/prober/frame_tables.h"
#include "daemon/diagnosis/prober/frame_watch.h"
#include "daemon/diagnosis/prober/page_owner.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/proc_text.h"
#include "daemon/diagnosis/prober/process_identity.h"
#include "daemon/diagnosis/prober/scout_wire.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/decimal.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// One direct transfer of a page, by itself.
constexpr uint32_t kDirectReferences = 1024;

// Frames of one word of the idle bitmap.
constexpr uint64_t kFramesPerWord = 64;

std::string ReadLinkBelow(int folder, const std::string& name) {
  char target[64];
  const ssize_t length = readlinkat(folder, name.c_str(), target, sizeof(target));
  return std::string(target, static_cast<size_t>(std::max<ssize_t>(length, 0)));
}

// The pipe that this fd of another process is of. Opened for nothing, which waits for nobody and
// has no effect on what it is.
UniqueFd OpenPlace(int fds, const std::string& number, uint64_t inode) {
  UniqueFd place(openat(fds, number.c_str(), O_PATH | O_CLOEXEC));
  struct stat status;
  if (!place.valid() || fstat(place.get(), &status) != 0 || !S_ISFIFO(status.st_mode) ||
      status.st_ino != inode) {
    return UniqueFd();
  }
  return place;
}

class PipeScan {
 public:
  PipeScan(uint64_t frame, PageTracer& pages, Scouts& scouts, const TimeBox& box)
      : frame_(frame), pages_(pages), scouts_(scouts), box_(box) {}

  void Look(const UniqueFd& proc, ProberReply& reply) {
    const absl::StatusOr<std::vector<std::string>> names = ListFolder(proc, box_);
    if (!names.ok()) {
      whole_ = false;
    } else {
      for (const std::string& name : *names) {
        int32_t pid = 0;
        if (!absl::SimpleAtoi(name, &pid) || pid <= 0) continue;
        if (box_.Ended()) {
          whole_ = false;
          break;
        }
        if (RunsAProgram(proc.get(), name)) LookInto(proc.get(), pid);
      }
    }
    for (const auto& [inode, pipe] : pipes_) {
      if (!pipe.has_page) continue;
      for (const auto& [pid, number] : pipe.holders)
        Describe(proc.get(), pid, number, inode, reply);
    }
    if (!whole_) reply.flags |= kProberHoldersPartial;
  }

 private:
  struct Pipe {
    bool has_page = false;
    // By pid, one of its fds.
    std::map<int32_t, std::string> holders;
  };

  static bool IsGone(const absl::Status& status) {
    const int error = GetErrno(status);
    return error == ENOENT || error == ESRCH;
  }

  void LookInto(int proc, int32_t pid) {
    const absl::StatusOr<UniqueFd> fds = OpenFolderBelow(proc, absl::StrCat(pid, "/fd"));
    if (!fds.ok()) {
      whole_ = whole_ && IsGone(fds.status());
      return;
    }
    const absl::StatusOr<std::vector<std::string>> numbers = ListFolder(*fds, box_);
    if (!numbers.ok()) {
      whole_ = whole_ && IsGone(numbers.status());
      return;
    }
    for (const std::string& number : *numbers) {
      if (box_.Ended()) {
        whole_ = false;
        return;
      }
      const absl::optional<uint64_t> inode = ParsePipeLink(ReadLinkBelow(fds->get(), number));
      if (!inode.has_value()) continue;
      const auto [it, is_new] = pipes_.try_emplace(*inode);
      if (is_new) it->second.has_page = HasPage(fds->get(), pid, number, *inode);
      it->second.holders.try_emplace(pid, number);
    }
  }

  bool HasPage(int fds, int32_t pid, const std::string& number, uint64_t inode) {
    const UniqueFd pipe = OpenPlace(fds, number, inode);
    // It may have been closed meanwhile.
    const pid_t scout = pipe.valid() ? scouts_.Muster(box_) : 0;
    if (scout == 0) {
      whole_ = false;
      return false;
    }
    const auto touched = [&] {
      return pages_
          .TouchBy(scout, frame_,
                   [&] {
                     const ScoutQuestion question{.look = ScoutLook::kTouchPipe};
                     const auto answer =
                         scouts_.Ask(question, pipe, pid, absl::ZeroDuration(), box_);
                     // Not ours to open, too long for us, or held.
                     if (!answer.has_value() || (answer->flags & kScoutWhole) == 0) whole_ = false;
                   })
          .has_value();
    };
    // The kernel may settle an old debt of this processor's in our name, but not twice.
    const bool once = touched();
    return once && touched();
  }

  // If it still has that pipe: else the number may be another process's by now.
  static void Describe(int proc, int32_t pid, const std::string& number, uint64_t inode,
                       ProberReply& reply) {
    const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc, absl::StrCat(pid));
    if (!process.ok()) return;
    const absl::StatusOr<UniqueFd> fds = OpenFolderBelow(process->get(), "fd");
    if (!fds.ok() || ParsePipeLink(ReadLinkBelow(fds->get(), number)) != inode) return;
    reply.pinners.push_back(
        {.process = DescribeProcess(process->get(), pid), .kind = PinKind::kPipe});
  }

  const uint64_t frame_;
  PageTracer& pages_;
  Scouts& scouts_;
  const TimeBox& box_;
  bool whole_ = true;
  std::map<uint64_t, Pipe> pipes_;
};

void ReadReferences(const ProberRoots& roots, PageTracer& pages, FrameRecord& record) {
  const absl::StatusOr<UniqueFd> sys = OpenRoot(roots.sys);
  if (!sys.ok()) return;
  const absl::StatusOr<UniqueFd> bitmap = OpenFileBelow(sys->get(), "kernel/mm/page_idle/bitmap");
  if (!bitmap.ok()) return;
  const auto dropped = pages.Touch(record.frame, [&] {
    uint64_t word = 0;
    const uint64_t offset = record.frame / kFramesPerWord * sizeof(word);
    // What it says does not matter.
    if (pread(bitmap->get(), &word, sizeof(word), static_cast<off_t>(offset)) < 0) return;
  });
  if (!dropped.has_value() || dropped->references < 0) return;
  record.references = static_cast<uint32_t>(std::min<int64_t>(dropped->references, UINT32_MAX));
  record.present |= kFrameReferences;
}

// Nothing but its mappings, and the page cache, has it: it was held for an instant.
bool IsLetGo(const FrameRecord& record) {
  constexpr uint32_t kBoth = kFrameReferences | kFrameMapCount | kFrameFlags;
  if ((record.present & kBoth) != kBoth) return false;
  const uint64_t cached = KindOfFrame(record.flags) == FrameKind::kPageCache ? 1 : 0;
  return record.references <= record.map_count + cached;
}

absl::Duration SinceBoot() {
  timespec now = {};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

// "FRAME MILLISECONDS".
bool ParseQuestion(absl::string_view question, uint64_t& frame, absl::Duration& length) {
  const std::vector<absl::string_view> words = absl::StrSplit(question, ' ');
  uint32_t milliseconds = 0;
  // A frame beyond all would be another one's place in the kernel's tables.
  if (words.size() != 2 || !ParseDecimal(words[0], frame) || frame > kPagemapFrameMask ||
      !ParseDecimal(words[1], milliseconds)) {
    return false;
  }
  length = absl::Milliseconds(milliseconds);
  return true;
}

}  // namespace

ProberReply FindPinners(const ProberRoots& roots, absl::string_view question, PageTracer& pages,
                        Scouts& scouts, const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kWhoPins;
  FrameRecord record;
  absl::Duration length;
  if (!ParseQuestion(question, record.frame, length)) {
    reply.error_number = EINVAL;
    return reply;
  }
  const TimeBox own = box.AtMost(length);
  const absl::StatusOr<UniqueFd> proc = OpenRoot(roots.proc);
  if (!proc.ok()) {
    reply.error_number = GetErrno(proc.status());
    return reply;
  }
  ReadMapCount(proc->get(), record);
  ReadFrameFlags(proc->get(), record);
  if (!pages.See(record.frame)) {
    reply.flags |= kProberHoldersPartial;
    reply.frames.push_back(record);
    return reply;
  }
  ReadReferences(roots, pages, record);
  // Who else has what such a page has is not looked for: it takes as long again.
  if ((record.present & kFrameReferences) != 0 && record.references >= kDirectReferences) {
    FindDirectTransfers(*proc, record.frame, scouts, own, reply);
  } else {
    if (!IsLetGo(record)) PipeScan(record.frame, pages, scouts, own).Look(*proc, reply);
    if (reply.pinners.empty()) {
      FrameWatch watch(proc->get(), pages, record);
      // Its child may be gone before the box ends, or come after it.
      if (IsMappedByForker(*proc, record.frame, SinceBoot(), own, [&] { return watch.Look(); })) {
        record.present |= kFrameOfForker;
      }
      watch.LookUntil(own);
    }
  }
  // Who maps it is found otherwise.
  if (record.map_count == 0) {
    if (const auto allocator = FindPageAllocator(roots, record.frame, own)) {
      reply.pinners.push_back({.process = *allocator, .kind = PinKind::kAllocated});
    }
  }
  reply.frames.push_back(record);
  return reply;
}

}  // namespace dmaheap

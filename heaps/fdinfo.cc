#include "heaps/fdinfo.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

constexpr absl::string_view kEpollItem = "tfd:";
constexpr absl::string_view kInotifyMark = "inotify ";
// The first line of every fdinfo (fs/proc/fd.c, seq_show).
constexpr absl::string_view kFirstLine = "pos:";

absl::Status NotUnderstood(absl::string_view what, absl::string_view line) {
  constexpr size_t kMaxBytes = 120;
  return absl::DataLossError(
      absl::StrCat(what, " of fdinfo is not understood: '", line.substr(0, kMaxBytes), "'"));
}

// The hexadecimal number after key in line; spaces may stand between.
template <typename Number>
bool HexAfter(absl::string_view line, absl::string_view key, Number* number) {
  const size_t at = line.find(key);
  if (at == absl::string_view::npos) return false;
  size_t begin = at + key.size();
  while (begin < line.size() && line[begin] == ' ') ++begin;
  const char* const end = line.data() + line.size();
  const auto result = std::from_chars(line.data() + begin, end, *number, 16);
  return result.ec == std::errc() && (result.ptr == end || *result.ptr == ' ');
}

// Calls each(line) for the lines that begin with prefix; stops at the first that it refuses.
template <typename Each>
absl::Status ForEachLine(absl::string_view fdinfo, absl::string_view prefix, Each each) {
  if (!absl::StartsWith(fdinfo, kFirstLine) || !absl::EndsWith(fdinfo, "\n")) {
    return NotUnderstood("the whole", fdinfo);
  }
  while (!fdinfo.empty()) {
    const size_t end = fdinfo.find('\n');
    const absl::string_view line = fdinfo.substr(0, end);
    fdinfo.remove_prefix(end + 1);
    if (absl::StartsWith(line, prefix) && !each(line)) return NotUnderstood("an item", line);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<uint64_t>> ParseEpollItems(absl::string_view fdinfo) {
  std::vector<uint64_t> items;
  const absl::Status status = ForEachLine(fdinfo, kEpollItem, [&](absl::string_view line) {
    uint64_t data = 0;
    if (!HexAfter(line, " data:", &data)) return false;
    items.push_back(data);
    return true;
  });
  if (!status.ok()) return status;
  return items;
}

absl::StatusOr<std::vector<InotifyMark>> ParseInotifyMarks(absl::string_view fdinfo) {
  std::vector<InotifyMark> marks;
  const absl::Status status = ForEachLine(fdinfo, kInotifyMark, [&](absl::string_view line) {
    InotifyMark mark;
    if (!HexAfter(line, " wd:", &mark.wd) || mark.wd < 0 || !HexAfter(line, " ino:", &mark.inode)) {
      return false;
    }
    marks.push_back(mark);
    return true;
  });
  if (!status.ok()) return status;
  return marks;
}

absl::StatusOr<FdinfoReader> FdinfoReader::Open(int fd, absl::string_view kind) {
  const std::string link = absl::StrCat("/proc/self/fd/", fd);
  char target[64];
  const ssize_t length = readlink(link.c_str(), target, sizeof(target));
  if (length < 0) return ErrnoStatus(errno, absl::StrCat("readlink of ", link));
  const absl::string_view found(target, static_cast<size_t>(length));
  if (found != kind) {
    return ErrnoStatus(EINVAL,
                       absl::StrCat("fd ", fd, " is ", found, " where ", kind, " was expected"));
  }
  const std::string path = absl::StrCat("/proc/self/fdinfo/", fd);
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, absl::StrCat("open of ", path));
  return FdinfoReader(std::move(file));
}

absl::StatusOr<absl::string_view> FdinfoReader::Read() {
  if (lseek(file_.get(), 0, SEEK_SET) < 0) return ErrnoStatus(errno, "lseek in fdinfo");
  // The first read makes the kernel write the whole text, under the lock of the set; the ones after
  // it hand out the rest of the same text (fs/seq_file.c). So it is of one moment, whatever the
  // size.
  size_t used = 0;
  while (true) {
    constexpr size_t kStep = 65536;
    if (text_.size() - used < kStep) text_.resize(std::max(2 * text_.size(), used + kStep));
    const ssize_t got = read(file_.get(), text_.data() + used, text_.size() - used);
    if (got == 0) return absl::string_view(text_.data(), used);
    if (got > 0) {
      used += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      return ErrnoStatus(errno, "read of fdinfo");
    }
  }
}

}  // namespace dmaheap

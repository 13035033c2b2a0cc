#include "daemon/diagnosis/prober/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

constexpr int kFileFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kFolderFlags = kFileFlags | O_DIRECTORY;

// One read of a file of /proc or debugfs; the kernel fills at most what it has formatted.
constexpr size_t kChunkBytes = 65536;

// A number of 64 bits and a newline.
constexpr size_t kNumberBytes = 32;

absl::StatusOr<UniqueFd> OpenBelow(int folder, absl::string_view path, int last_flags) {
  const std::vector<std::string> components = absl::StrSplit(path, '/');
  UniqueFd at;
  for (size_t i = 0; i < components.size(); ++i) {
    const std::string& name = components[i];
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos) {
      return ErrnoStatus(EINVAL, absl::StrCat("opening ", path));
    }
    const bool last = i + 1 == components.size();
    // O_NONBLOCK: a FIFO in the place of a file must not make us wait for its writer.
    UniqueFd next(openat(at.valid() ? at.get() : folder, name.c_str(),
                         last ? last_flags | O_NONBLOCK : kFolderFlags));
    if (!next.valid()) return ErrnoStatus(errno, absl::StrCat("opening ", path));
    at = std::move(next);
  }
  return at;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenRoot(const std::string& path) {
  UniqueFd root(open(path.c_str(), kFolderFlags));
  if (!root.valid()) return ErrnoStatus(errno, absl::StrCat("opening ", path));
  return root;
}

absl::StatusOr<UniqueFd> OpenFolderBelow(int folder, absl::string_view path) {
  return OpenBelow(folder, path, kFolderFlags);
}

absl::StatusOr<UniqueFd> OpenFileBelow(int folder, absl::string_view path) {
  return OpenBelow(folder, path, kFileFlags);
}

absl::Status CheckSameFileSystem(int root, int folder) {
  struct stat of_root, of_folder;
  if (fstat(root, &of_root) != 0 || fstat(folder, &of_folder) != 0) {
    return ErrnoStatus(errno, "fstat of a folder");
  }
  if (of_root.st_dev == of_folder.st_dev) return absl::OkStatus();
  return ErrnoStatus(EXDEV, "comparing a folder with its root");
}

absl::StatusOr<std::vector<std::string>> ListFolder(const UniqueFd& folder, const TimeBox& box) {
  UniqueFd own = folder.Dup();
  if (!own.valid()) return ErrnoStatus(errno, "duplicating a folder");
  // A duplicate shares the place in the folder.
  lseek(own.get(), 0, SEEK_SET);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(own.get()), closedir);
  if (entries == nullptr) return ErrnoStatus(errno, "fdopendir");
  (void)own.Take();  // closedir closes it
  std::vector<std::string> names;
  // Asking the clock for each of 100,000 names would cost more than reading them.
  constexpr size_t kNamesPerLook = 256;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(entries.get());
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() % kNamesPerLook == 0 && box.Ended()) {
      return ErrnoStatus(EINTR, "reading a folder within the time box");
    }
  }
  if (errno != 0) return ErrnoStatus(errno, "readdir");
  return names;
}

absl::StatusOr<FileText> ReadAll(int file, size_t limit, const TimeBox& box) {
  FileText text;
  while (text.bytes.size() < limit && !box.Ended()) {
    const size_t place = text.bytes.size();
    const size_t wanted = std::min(kChunkBytes, limit - place);
    text.bytes.resize(place + wanted);
    const ssize_t got = read(file, text.bytes.data() + place, wanted);
    const int error = errno;
    text.bytes.resize(place + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) {
      text.complete = true;
      return text;
    }
    if (got < 0 && error == EINTR) continue;
    if (got < 0) {
      if (text.bytes.empty()) return ErrnoStatus(error, "read");
      return text;
    }
  }
  return text;
}

absl::StatusOr<uint64_t> ReadNumberBelow(int folder, absl::string_view path, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(folder, path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kNumberBytes, box);
  if (!text.ok()) return text.status();
  uint64_t number = 0;
  if (!text->complete || !absl::SimpleAtoi(absl::StripAsciiWhitespace(text->bytes), &number)) {
    return ErrnoStatus(EBADMSG, absl::StrCat(path, " holds no number"));
  }
  return number;
}

}  // namespace dmaheap

#include "daemon/keeper/frozen_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/decimal.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr mode_t kMode = 0600;
// A path and a number.
constexpr size_t kMaxBytes = PATH_MAX + 32;

}  // namespace

absl::Status FrozenRecord::Write(const FrozenCgroup& cgroup) const {
  const UniqueFd file(
      open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kMode));
  if (!file.valid()) return ErrnoStatus(errno, absl::StrCat("opening ", path_));
  // Not synced: it need not outlive the machine, whose cgroups do not either.
  const std::string line = absl::StrCat(cgroup.inode, " ", cgroup.path, "\n");
  if (write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return ErrnoStatus(errno, absl::StrCat("writing ", path_));
  }
  return absl::OkStatus();
}

void FrozenRecord::Remove() const { unlink(path_.c_str()); }

absl::StatusOr<absl::optional<FrozenCgroup>> FrozenRecord::Read() const {
  const UniqueFd file(open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return absl::nullopt;
    return ErrnoStatus(errno, absl::StrCat("opening ", path_));
  }
  char bytes[kMaxBytes];
  const ssize_t length = read(file.get(), bytes, sizeof(bytes));
  if (length < 0) return ErrnoStatus(errno, absl::StrCat("reading ", path_));
  absl::string_view line(bytes, static_cast<size_t>(length));
  FrozenCgroup cgroup;
  const std::pair<absl::string_view, absl::string_view> words =
      absl::StrSplit(line, absl::MaxSplits(' ', 1));
  absl::string_view path = words.second;
  // The file may be longer than what was read; and the kernel would take a path with a NUL byte for
  // another one.
  if (line.size() == sizeof(bytes) || !ParseDecimal(words.first, cgroup.inode) ||
      !absl::ConsumeSuffix(&path, "\n") || path.empty() ||
      path.find('\0') != absl::string_view::npos) {
    return absl::DataLossError(absl::StrCat(path_, " does not name a cgroup"));
  }
  cgroup.path = std::string(path);
  return cgroup;
}

}  // namespace dmaheap

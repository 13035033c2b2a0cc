#include "daemon/keeper/cgroup_handle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// The kernel's is 22 bytes long ("populated 1\nfrozen 0\n").
constexpr size_t kEventsBytes = 256;
constexpr absl::string_view kFrozen = "frozen 1\n";

}  // namespace

absl::StatusOr<CgroupHandle> CgroupHandle::Open(const std::string& path) {
  const UniqueFd folder(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat status;
  if (!folder.valid() || fstat(folder.get(), &status) != 0) {
    return ErrnoStatus(errno, absl::StrCat("opening cgroup ", path));
  }
  UniqueFd freeze(openat(folder.get(), "cgroup.freeze", O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!freeze.valid()) return ErrnoStatus(errno, absl::StrCat("opening cgroup.freeze of ", path));
  UniqueFd events(openat(folder.get(), "cgroup.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!events.valid()) return ErrnoStatus(errno, absl::StrCat("opening cgroup.events of ", path));
  return CgroupHandle(std::move(freeze), std::move(events), status.st_ino);
}

absl::StatusOr<CgroupHandle::State> CgroupHandle::Read() const {
  State state;
  char asked = '0';
  if (pread(freeze_.get(), &asked, 1, 0) < 0) return ErrnoStatus(errno, "reading cgroup.freeze");
  state.asked = asked == '1';
  char events[kEventsBytes];
  const ssize_t length = pread(events_.get(), events, sizeof(events), 0);
  if (length < 0) return ErrnoStatus(errno, "reading cgroup.events");
  state.frozen = absl::StrContains(absl::string_view(events, static_cast<size_t>(length)), kFrozen);
  return state;
}

absl::Status CgroupHandle::Write(bool freeze) const {
  if (pwrite(freeze_.get(), freeze ? "1" : "0", 1, 0) == 1) return absl::OkStatus();
  return ErrnoStatus(errno, "writing cgroup.freeze");
}

}  // namespace dmaheap

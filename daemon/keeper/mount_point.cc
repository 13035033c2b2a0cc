#include "daemon/keeper/mount_point.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {

absl::StatusOr<UniqueFd> OpenMountPoint(const std::string& path) {
  UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
  if (!folder.valid()) return ErrnoStatus(errno, path);
  struct statx status = {};
  if (statx(folder.get(), "", AT_EMPTY_PATH, 0, &status) != 0) return ErrnoStatus(errno, path);
  const bool told = (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
  if (told && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return absl::FailedPreconditionError(absl::StrCat("nothing is mounted on ", path));
  }
  return folder;
}

}  // namespace dmaheap

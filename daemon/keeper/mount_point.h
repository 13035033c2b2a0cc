// Opens the file systems of --sync-filesystem, for syncfs(2).

#ifndef DAEMON_KEEPER_MOUNT_POINT_H_
#define DAEMON_KEEPER_MOUNT_POINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// The folder on which a file system is mounted. While it is open, the file system can not be
// unmounted (umount(2), EBUSY). Errors carry the errno; FAILED_PRECONDITION: nothing is mounted
// there, and syncing would be for another file system than the one that was meant. (Kernels before
// 5.8 do not tell.)
absl::StatusOr<UniqueFd> OpenMountPoint(const std::string& path);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_MOUNT_POINT_H_

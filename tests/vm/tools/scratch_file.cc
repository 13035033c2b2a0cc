#include "tests/vm/tools/scratch_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

constexpr char kDisk[] = "/dev/ram0";

const char* MountPointOf(ScratchFile::On on) {
  return on == ScratchFile::On::kTmpfs ? "/tmp/scratch_tmpfs" : "/tmp/scratch_disk";
}

absl::Status Mount(ScratchFile::On on) {
  mkdir(MountPointOf(on), 0700);
  if (on == ScratchFile::On::kTmpfs) {
    // Half of the memory is the usual bound.
    if (mount("tmpfs", MountPointOf(on), "tmpfs", 0, "size=100%") == 0) return absl::OkStatus();
    return ErrnoStatus(errno, "mounting tmpfs");
  }
  if (system("mke2fs /dev/ram0 >/dev/null") != 0) return absl::InternalError("mke2fs failed");
  if (mount(kDisk, MountPointOf(on), "ext2", 0, nullptr) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "mounting the disk");
}

}  // namespace

absl::StatusOr<ScratchFile> ScratchFile::Make(On on) {
  if (absl::Status status = Mount(on); !status.ok()) return status;
  ScratchFile scratch;
  scratch.on_ = on;
  scratch.file_.Reset(
      open(absl::StrCat(MountPointOf(on), "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!scratch.file_.valid()) return ErrnoStatus(errno, "a file on a file system of its own");
  return scratch;
}

absl::Status ScratchFile::Remove() {
  file_.Reset();
  if (umount(MountPointOf(on_)) != 0) return ErrnoStatus(errno, "umount");
  rmdir(MountPointOf(on_));
  if (on_ == On::kTmpfs) return absl::OkStatus();
  const UniqueFd disk(open(kDisk, O_RDWR | O_CLOEXEC));
  if (ioctl(disk.get(), BLKFLSBUF, 0) != 0) return ErrnoStatus(errno, "BLKFLSBUF");
  return absl::OkStatus();
}

}  // namespace dmaheap

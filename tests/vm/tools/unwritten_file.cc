#include "tests/vm/tools/unwritten_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/area_pages.h"

namespace dmaheap {
namespace {

constexpr size_t kPageBytes = 4096;
// Pages of others that lie in the area before the file's come there too.
constexpr size_t kEnoughPages = 1500;
constexpr char kDisk[] = "/dev/ram0";
constexpr char kMountPoint[] = "/tmp/unwritten";
// Not busybox's, which knows no journal.
constexpr char kMakeFilesystem[] =
    "/files/mke2fs -q -t ext4 -J size=4 -N 1024 -E "
    "lazy_itable_init=0 /dev/ram0";

absl::Status WritePages(int file, size_t pages) {
  const std::vector<char> page(kPageBytes, 'x');
  for (size_t i = 0; i < pages; ++i) {
    if (write(file, page.data(), page.size()) != static_cast<ssize_t>(page.size())) {
      return ErrnoStatus(errno, "write to the disk");
    }
  }
  return absl::OkStatus();
}

class UnwrittenFile final : public Trouble {
 public:
  explicit UnwrittenFile(const Settings& settings)
      : pages_(static_cast<size_t>(settings.at("pages"))) {}

  TroubleLabel label() const override { return {"PINNED_STUCK", "JOURNAL"}; }

  absl::StatusOr<std::string> Begin() override {
    if (system(kMakeFilesystem) != 0) return absl::InternalError("mke2fs failed");
    mkdir(kMountPoint, 0755);
    // A commit alone would leave them dirty: but then it is the flusher's turn, too.
    if (mount(kDisk, kMountPoint, "ext4", MS_NOATIME, "data=journal,commit=300") != 0) {
      return ErrnoStatus(errno, "mount");
    }
    const UniqueFd file(
        open(absl::StrCat(kMountPoint, "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.valid()) return ErrnoStatus(errno, "open on the disk");
    if (absl::Status status = MakeRoom(file.get()); !status.ok()) return status;
    const absl::StatusOr<size_t> inside = WriteInArea(file.get());
    if (!inside.ok()) return inside.status();
    if (*inside < pages_ / 8) {
      return absl::ResourceExhaustedError(
          absl::StrCat("only ", *inside, " of ", pages_, " pages came to lie in the area"));
    }
    return absl::StrCat("pages=", *inside, " mount_point=", kMountPoint);
  }

  absl::StatusOr<std::string> End() override {
    if (umount(kMountPoint) != 0) return ErrnoStatus(errno, "umount");
    rmdir(kMountPoint);
    const UniqueFd disk(open(kDisk, O_RDWR | O_CLOEXEC));
    // Gives the disk's own pages back.
    if (ioctl(disk.get(), BLKFLSBUF, 0) != 0) return ErrnoStatus(errno, "BLKFLSBUF");
    return std::string();
  }

 private:
  // The file's blocks are given out and written down before its pages come to lie in the area. Else
  // the file system's own tables may lie there too, whose buffers one sync does not free.
  absl::Status MakeRoom(int file) const {
    if (fallocate(file, 0, 0, static_cast<off_t>(pages_ * kPageBytes)) != 0) {
      return ErrnoStatus(errno, "fallocate on the disk");
    }
    if (fsync(file) != 0) return ErrnoStatus(errno, "fsync on the disk");
    return absl::OkStatus();
  }

  // How many of the pages lie there.
  absl::StatusOr<size_t> WriteInArea(int file) const {
    const absl::StatusOr<AreaFrames> area = ReadAreaFrames();
    if (!area.ok()) return area.status();
    // For as long as the rest of the memory is taken.
    const absl::StatusOr<PlacedPages> others =
        PlacePagesInArea(*area, {.at_least = kEnoughPages, .enough = kEnoughPages});
    if (!others.ok()) return others.status();
    if (absl::Status status = WritePages(file, pages_); !status.ok()) return status;
    const size_t size_bytes = pages_ * kPageBytes;
    void* start = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    if (start == MAP_FAILED) return ErrnoStatus(errno, "mmap of the file");
    const Mapping mapping(start, size_bytes);
    const absl::StatusOr<std::vector<uint64_t>> frames = FramesOf(start, size_bytes);
    if (!frames.ok()) return frames.status();
    return std::count_if(frames->begin(), frames->end(),
                         [&](uint64_t frame) { return area->Has(frame); });
  }

  const size_t pages_;
};

}  // namespace

Settings UnwrittenFileDefaults() { return {{"pages", 512}}; }

std::unique_ptr<Trouble> MakeUnwrittenFile(const Settings& settings) {
  return std::make_unique<UnwrittenFile>(settings);
}

}  // namespace dmaheap

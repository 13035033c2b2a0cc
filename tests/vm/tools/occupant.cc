#include "tests/vm/tools/occupant.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/area_pages.h"

namespace dmaheap {
namespace {

class Occupant : public Trouble {
 public:
  Occupant(const Settings& settings, Touch touch)
      : wanted_(static_cast<size_t>(settings.at("pages"))), touch_(touch) {}

  TroubleLabel label() const override { return {}; }

  absl::StatusOr<std::string> Begin() override {
    absl::StatusOr<UniqueFd> file = OpenFile();
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    const absl::StatusOr<AreaFrames> area = ReadAreaFrames();
    if (!area.ok()) return area.status();
    absl::StatusOr<PlacedPages> placed = PlacePagesInArea(
        *area, {.fd = file_.get(), .touch = touch_, .at_least = wanted_, .enough = wanted_});
    if (!placed.ok()) return placed.status();
    placed_ = *std::move(placed);
    return absl::StrCat("pages=", placed_.inside.size(),
                        " touched_mib=", placed_.mapping.size_bytes() >> 20);
  }

  absl::StatusOr<std::string> End() override {
    placed_ = PlacedPages();
    file_.Reset();
    if (absl::Status status = CleanUp(); !status.ok()) return status;
    return std::string();
  }

 private:
  virtual absl::StatusOr<UniqueFd> OpenFile() = 0;
  virtual absl::Status CleanUp() { return absl::OkStatus(); }

  const size_t wanted_;
  const Touch touch_;
  UniqueFd file_;
  PlacedPages placed_;
};

class TmpfsOccupant final : public Occupant {
 public:
  explicit TmpfsOccupant(const Settings& settings) : Occupant(settings, Touch::kWrite) {}

 private:
  absl::StatusOr<UniqueFd> OpenFile() override {
    UniqueFd file(memfd_create("occupant", MFD_CLOEXEC));
    if (!file.valid()) return ErrnoStatus(errno, "memfd_create");
    return file;
  }
};

constexpr char kDisk[] = "/dev/ram0";
constexpr char kMountPoint[] = "/tmp/occupant";

class PageCacheOccupant final : public Occupant {
 public:
  explicit PageCacheOccupant(const Settings& settings) : Occupant(settings, Touch::kRead) {}

 private:
  absl::StatusOr<UniqueFd> OpenFile() override {
    if (system("mke2fs /dev/ram0 >/dev/null") != 0) return absl::InternalError("mke2fs failed");
    mkdir(kMountPoint, 0700);
    if (mount(kDisk, kMountPoint, "ext2", 0, nullptr) != 0) return ErrnoStatus(errno, "mount");
    UniqueFd file(
        open(absl::StrCat(kMountPoint, "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.valid()) return ErrnoStatus(errno, "open on the disk");
    return file;
  }

  absl::Status CleanUp() override {
    if (umount(kMountPoint) != 0) return ErrnoStatus(errno, "umount");
    rmdir(kMountPoint);
    const UniqueFd disk(open(kDisk, O_RDWR | O_CLOEXEC));
    // Gives the disk's own pages back.
    if (ioctl(disk.get(), BLKFLSBUF, 0) != 0) return ErrnoStatus(errno, "BLKFLSBUF");
    return absl::OkStatus();
  }
};

}  // namespace

Settings OccupantDefaults() { return {{"pages", 1024}}; }

std::unique_ptr<Trouble> MakeTmpfsOccupant(const Settings& settings) {
  return std::make_unique<TmpfsOccupant>(settings);
}

std::unique_ptr<Trouble> MakePageCacheOccupant(const Settings& settings) {
  return std::make_unique<PageCacheOccupant>(settings);
}

}  // namespace dmaheap

#include "tests/vm/tools/occupant.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/area_pages.h"
#include "tests/vm/tools/scratch_file.h"

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

class PageCacheOccupant final : public Occupant {
 public:
  explicit PageCacheOccupant(const Settings& settings) : Occupant(settings, Touch::kRead) {}

 private:
  absl::StatusOr<UniqueFd> OpenFile() override {
    absl::StatusOr<ScratchFile> scratch = ScratchFile::Make(ScratchFile::On::kDisk);
    if (!scratch.ok()) return scratch.status();
    scratch_ = *std::move(scratch);
    UniqueFd file(fcntl(scratch_.fd(), F_DUPFD_CLOEXEC, 0));
    if (!file.valid()) return ErrnoStatus(errno, "dup");
    return file;
  }
  absl::Status CleanUp() override { return scratch_.Remove(); }

  ScratchFile scratch_;
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

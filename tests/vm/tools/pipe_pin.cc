#include "tests/vm/tools/pipe_pin.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/area_pages.h"
#include "tests/vm/tools/scratch_file.h"

namespace dmaheap {
namespace {

constexpr size_t kPageBytes = 4096;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// A pipe with room for so many pages.
absl::StatusOr<Pipe> MakePipe(size_t pages) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe2");
  Pipe pipe;
  pipe.read_end.Reset(ends[0]);
  pipe.write_end.Reset(ends[1]);
  if (fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(pages * kPageBytes)) < 0) {
    return ErrnoStatus(errno, absl::StrCat("a pipe of ", pages, " pages"));
  }
  return pipe;
}

class PipePin : public Trouble {
 public:
  explicit PipePin(size_t pages) : wanted_(pages) {}

  TroubleLabel label() const override { return {"PINNED_STUCK", "PIPE"}; }

  absl::StatusOr<std::string> Begin() override {
    const absl::StatusOr<AreaFrames> area = ReadAreaFrames();
    if (!area.ok()) return area.status();
    if (absl::Status status = Prepare(); !status.ok()) return status;
    absl::StatusOr<PlacedPages> placed = PlaceSpreadPages(*area, wanted_, memory_file(), touch());
    if (!placed.ok()) return placed.status();
    placed_ = *std::move(placed);
    absl::StatusOr<Pipe> pipe = MakePipe(wanted_);
    if (!pipe.ok()) return pipe.status();
    pipe_ = *std::move(pipe);
    for (uint8_t* page : placed_.inside) {
      if (absl::Status status = Pin(page, pipe_.write_end.get()); !status.ok()) return status;
    }
    // Memory that is not pinned goes back, so that there is somewhere to migrate to.
    DropOtherPages(placed_, drop_advice());
    const absl::StatusOr<uint64_t> run = LargestRunWithout(*area, placed_.inside);
    if (!run.ok()) return run.status();
    OnPinned(placed_);
    return absl::StrCat("pages=", wanted_, " largest_free_pages=", *run, " pid=", getpid());
  }

  absl::StatusOr<std::string> End() override {
    pipe_ = Pipe();
    placed_ = PlacedPages();
    if (absl::Status status = CleanUp(); !status.ok()) return status;
    return std::string();
  }

 protected:
  virtual absl::Status Prepare() { return absl::OkStatus(); }
  virtual absl::Status CleanUp() { return absl::OkStatus(); }
  // What else happens to the pages once the pipe has them.
  virtual void OnPinned(PlacedPages& placed) {}
  virtual Touch touch() const { return Touch::kWrite; }
  virtual int memory_file() const { return -1; }
  virtual absl::Status Pin(uint8_t* page, int pipe) = 0;
  virtual int drop_advice() const = 0;

  uint8_t* start() const { return placed_.mapping.start(); }

 private:
  const size_t wanted_;
  PlacedPages placed_;
  Pipe pipe_;
};

class VmsplicePin : public PipePin {
 public:
  using PipePin::PipePin;

 private:
  absl::Status Pin(uint8_t* page, int pipe) override {
    const iovec piece = {.iov_base = page, .iov_len = kPageBytes};
    if (vmsplice(pipe, &piece, 1, 0) != static_cast<ssize_t>(kPageBytes)) {
      return ErrnoStatus(errno, "vmsplice");
    }
    return absl::OkStatus();
  }
  int drop_advice() const override { return MADV_DONTNEED; }
};

// Nobody has the pages any more but the pipe.
class UnmappedPin final : public VmsplicePin {
 public:
  using VmsplicePin::VmsplicePin;

 private:
  void OnPinned(PlacedPages& placed) override { placed = PlacedPages(); }
};

// Splices pages of the file whose pages are placed.
class FilePin : public PipePin {
 public:
  using PipePin::PipePin;

 private:
  absl::Status Pin(uint8_t* page, int pipe) override {
    off_t offset = page - start();
    if (splice(memory_file(), &offset, pipe, nullptr, kPageBytes, 0) !=
        static_cast<ssize_t>(kPageBytes)) {
      return ErrnoStatus(errno, "splice of a file");
    }
    return absl::OkStatus();
  }
  int drop_advice() const override { return MADV_REMOVE; }
};

class MemfdPin final : public FilePin {
 public:
  explicit MemfdPin(size_t pages) : FilePin(pages), file_(memfd_create("memfd_pin", MFD_CLOEXEC)) {}

 private:
  int memory_file() const override { return file_.get(); }

  UniqueFd file_;
};

class TmpfsPin final : public FilePin {
 public:
  using FilePin::FilePin;

 private:
  absl::Status Prepare() override {
    absl::StatusOr<ScratchFile> file = ScratchFile::Make(ScratchFile::On::kTmpfs);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    return absl::OkStatus();
  }
  absl::Status CleanUp() override { return file_.Remove(); }
  int memory_file() const override { return file_.fd(); }

  ScratchFile file_;
};

// Of holes, which are clean and take no place on the disk.
class PageCachePin final : public FilePin {
 public:
  using FilePin::FilePin;

 private:
  absl::Status Prepare() override {
    absl::StatusOr<ScratchFile> file = ScratchFile::Make(ScratchFile::On::kDisk);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    return absl::OkStatus();
  }
  absl::Status CleanUp() override { return file_.Remove(); }
  Touch touch() const override { return Touch::kRead; }
  int memory_file() const override { return file_.fd(); }
  int drop_advice() const override { return MADV_DONTNEED; }
  // What is not mapped and not in the pipe leaves the cache.
  void OnPinned(PlacedPages&) override { posix_fadvise(file_.fd(), 0, 0, POSIX_FADV_DONTNEED); }

  ScratchFile file_;
};

size_t PagesOf(const Settings& settings) { return static_cast<size_t>(settings.at("pages")); }

}  // namespace

Settings PipePinDefaults() {
  // As many as an unprivileged user's pipe may have (fs.pipe-max-size is 256).
  return {{"pages", 64}};
}

std::unique_ptr<Trouble> MakeVmsplicePin(const Settings& settings) {
  return std::make_unique<VmsplicePin>(PagesOf(settings));
}

std::unique_ptr<Trouble> MakeUnmappedPin(const Settings& settings) {
  return std::make_unique<UnmappedPin>(PagesOf(settings));
}

std::unique_ptr<Trouble> MakeTmpfsPin(const Settings& settings) {
  return std::make_unique<TmpfsPin>(PagesOf(settings));
}

std::unique_ptr<Trouble> MakePageCachePin(const Settings& settings) {
  return std::make_unique<PageCachePin>(PagesOf(settings));
}

std::unique_ptr<Trouble> MakeMemfdPin(const Settings& settings) {
  return std::make_unique<MemfdPin>(PagesOf(settings));
}

}  // namespace dmaheap

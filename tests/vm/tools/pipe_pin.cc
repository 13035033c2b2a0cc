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
    absl::StatusOr<PlacedPages> placed = PlaceSpreadPages(*area, wanted_, memory_file());
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
    return absl::StrCat("pages=", wanted_, " largest_free_pages=", *run, " pid=", getpid());
  }

  absl::StatusOr<std::string> End() override {
    pipe_ = Pipe();
    placed_ = PlacedPages();
    return std::string();
  }

 protected:
  virtual int memory_file() const { return -1; }
  virtual absl::Status Pin(uint8_t* page, int pipe) = 0;
  virtual int drop_advice() const = 0;

  uint8_t* start() const { return placed_.mapping.start(); }

 private:
  const size_t wanted_;
  PlacedPages placed_;
  Pipe pipe_;
};

class VmsplicePin final : public PipePin {
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

class MemfdPin final : public PipePin {
 public:
  explicit MemfdPin(size_t pages) : PipePin(pages), file_(memfd_create("memfd_pin", MFD_CLOEXEC)) {}

 private:
  int memory_file() const override { return file_.get(); }
  absl::Status Pin(uint8_t* page, int pipe) override {
    off_t offset = page - start();
    if (splice(file_.get(), &offset, pipe, nullptr, kPageBytes, 0) !=
        static_cast<ssize_t>(kPageBytes)) {
      return ErrnoStatus(errno, "splice of a memfd");
    }
    return absl::OkStatus();
  }
  int drop_advice() const override { return MADV_REMOVE; }

  UniqueFd file_;
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

std::unique_ptr<Trouble> MakeMemfdPin(const Settings& settings) {
  return std::make_unique<MemfdPin>(PagesOf(settings));
}

}  // namespace dmaheap

#include "tests/vm/tools/direct_io_pin.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/area_pages.h"

namespace dmaheap {
namespace {

constexpr size_t kPageBytes = 4096;

// Documentation/block/null_blk.rst.
constexpr char kFolder[] = "/sys/kernel/config/nullb/nullb_slow";
constexpr char kDisk[] = "/dev/nullb_slow";

absl::Status WriteAttribute(const std::string& name, int64_t value) {
  std::ofstream file(absl::StrCat(kFolder, "/", name));
  file << value << std::flush;
  if (!file) return absl::InternalError(absl::StrCat(kFolder, "/", name, " takes no ", value));
  return absl::OkStatus();
}

// A disk that completes a transfer by a timer, after so many milliseconds.
absl::Status MakeDisk(int64_t milliseconds) {
  if (mkdir(kFolder, 0755) != 0) return ErrnoStatus(errno, kFolder);
  const std::pair<const char*, int64_t> attributes[] = {
      {"irqmode", 2},
      {"completion_nsec", milliseconds * 1'000'000},
      {"blocksize", 4096},
      {"size", 64},
      {"power", 1}};
  for (const auto& [name, value] : attributes) {
    if (absl::Status status = WriteAttribute(name, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

class DirectIoPin final : public Trouble {
 public:
  explicit DirectIoPin(const Settings& settings)
      : pages_(static_cast<size_t>(settings.at("pages"))),
        milliseconds_(settings.at("ms")),
        transfers_(settings.at("transfers")) {}
  ~DirectIoPin() override { Stop(); }

  TroubleLabel label() const override { return {"PINNED_TRANSIENT", "DIRECT_IO"}; }

  absl::StatusOr<std::string> Begin() override {
    if (absl::Status status = MakeDisk(milliseconds_); !status.ok()) return status;
    disk_.Reset(open(kDisk, O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (!disk_.valid()) return ErrnoStatus(errno, kDisk);
    const absl::StatusOr<AreaFrames> area = ReadAreaFrames();
    if (!area.ok()) return area.status();
    absl::StatusOr<PlacedPages> placed = PlaceSpreadPages(*area, pages_, /*fd=*/-1);
    if (!placed.ok()) return placed.status();
    placed_ = *std::move(placed);
    thread_ = std::thread([this] { Transfer(); });
    DropOtherPages(placed_, MADV_DONTNEED);
    const absl::StatusOr<uint64_t> run = LargestRunWithout(*area, placed_.inside);
    if (!run.ok()) return run.status();
    return absl::StrCat("pages=", pages_, " largest_free_pages=", *run, " ms=", milliseconds_,
                        " pid=", getpid());
  }

  absl::StatusOr<std::string> End() override {
    Stop();
    disk_.Reset();
    placed_ = PlacedPages();
    absl::Status off = WriteAttribute("power", 0);
    if (!off.ok()) return off;
    if (rmdir(kFolder) != 0) return ErrnoStatus(errno, kFolder);
    if (error_ != 0) return ErrnoStatus(error_, "preadv");
    return absl::StrCat("transfers=", done_.load());
  }

 private:
  void Transfer() {
    std::vector<iovec> pieces;
    for (uint8_t* page : placed_.inside) pieces.push_back({page, kPageBytes});
    while (!stop_ && done_ < transfers_) {
      if (preadv(disk_.get(), pieces.data(), static_cast<int>(pieces.size()), 0) < 0) {
        error_ = errno;
        return;
      }
      ++done_;
    }
  }

  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  const size_t pages_;
  const int64_t milliseconds_;
  const int64_t transfers_;
  UniqueFd disk_;
  PlacedPages placed_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> done_{0};
  std::atomic<int> error_{0};
  std::thread thread_;
};

}  // namespace

Settings DirectIoPinDefaults() { return {{"pages", 64}, {"ms", 2000}, {"transfers", 1000}}; }

std::unique_ptr<Trouble> MakeDirectIoPin(const Settings& settings) {
  return std::make_unique<DirectIoPin>(settings);
}

}  // namespace dmaheap

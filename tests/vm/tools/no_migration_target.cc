#include "tests/vm/tools/no_migration_target.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "tests/vm/tools/area_pages.h"
#include "tests/vm/tools/heap_buffers.h"
#include "tests/vm/tools/memory_hold.h"

namespace dmaheap {
namespace {

constexpr int64_t kPageBytes = 4096;
constexpr int64_t kHugePageBytes = 2 << 20;
constexpr int64_t kPieceBytes = 1 << 20;
constexpr char kHugePagesFile[] = "/proc/sys/vm/nr_hugepages";

// What can be moved at first is, once: attempts until none moves any more.
constexpr int kAttempts = 40;

absl::Status SetHugePages(int64_t count) {
  std::ofstream file(kHugePagesFile);
  file << count << std::flush;
  if (!file) {
    return absl::UnavailableError(absl::StrCat("writing ", count, " to ", kHugePagesFile,
                                               "; has the kernel CONFIG_HUGETLBFS?"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Mapping> MapHugePages(int64_t count) {
  const size_t size = static_cast<size_t>(count * kHugePageBytes);
  void* const start =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (start == MAP_FAILED)
    return ErrnoStatus(errno, absl::StrCat("mmap of ", count, " huge pages"));
  Mapping mapping(start, size);
  for (size_t at = 0; at < size; at += kHugePageBytes) mapping.start()[at] = 1;
  return mapping;
}

absl::StatusOr<int64_t> CountInside(const AreaFrames& area, const Mapping& mapping) {
  const absl::StatusOr<std::vector<uint64_t>> frames =
      FramesOf(mapping.start(), mapping.size_bytes());
  if (!frames.ok()) return frames.status();
  const int64_t pages =
      std::count_if(frames->begin(), frames->end(), [&](uint64_t pfn) { return area.Has(pfn); });
  return pages * kPageBytes / kHugePageBytes;
}

class NoMigrationTarget final : public Trouble {
 public:
  explicit NoMigrationTarget(const Settings& settings)
      : huge_pages_(settings.at("huge_pages")),
        scattered_bytes_(settings.at("scattered_mib") << 20),
        leave_bytes_(settings.at("leave_mib") << 20) {}

  TroubleLabel label() const override { return {"NO_MIGRATION_TARGET", TroubleLabel::kNone}; }

  absl::StatusOr<std::string> Begin() override {
    const absl::StatusOr<AreaFrames> area = ReadAreaFrames();
    if (!area.ok()) return area.status();
    if (absl::Status status = HoldMemory(*area); !status.ok()) return status;
    // Most of what is free is in the area now.
    if (absl::Status status = SetHugePages(huge_pages_); !status.ok()) return status;
    absl::StatusOr<Mapping> mapping = MapHugePages(huge_pages_);
    if (!mapping.ok()) return mapping.status();
    mapping_ = *std::move(mapping);
    pieces_->ReleaseEverySecond();
    return WaitUntilNoneMoves(*area);
  }

  absl::StatusOr<std::string> End() override {
    mapping_.Reset();
    if (absl::Status status = SetHugePages(0); !status.ok()) return status;
    pieces_.reset();
    return hold_->End();
  }

 private:
  // All that can not lie in the area: most of it for good, the last of it as the pieces of which
  // every second one is given back. Those that come one after the other lie side by side.
  absl::Status HoldMemory(const AreaFrames& area) {
    const int64_t area_bytes = static_cast<int64_t>(area.pages) * kPageBytes;
    hold_ = std::make_unique<MemoryHold>(area_bytes + leave_bytes_ + 2 * scattered_bytes_);
    if (const auto held = hold_->Begin(); !held.ok()) return held.status();
    absl::StatusOr<HeapBuffers> pieces = HeapBuffers::Open("system");
    if (!pieces.ok()) return pieces.status();
    pieces_ = *std::move(pieces);
    const int64_t wanted = 2 * scattered_bytes_ / kPieceBytes;
    const absl::StatusOr<int64_t> got = pieces_->Hold(kPieceBytes, wanted);
    if (!got.ok()) return got.status();
    if (*got == wanted) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("only ", *got, " of ", wanted, " pieces of 1 MiB could be held"));
  }

  absl::StatusOr<std::string> WaitUntilNoneMoves(const AreaFrames& area) const {
    const absl::StatusOr<HeapBuffers> node = HeapBuffers::Open("reserved");
    if (!node.ok()) return node.status();
    const int64_t whole = static_cast<int64_t>(area.pages) * kPageBytes;
    for (int64_t before = -1, attempt = 0; attempt < kAttempts; ++attempt) {
      const absl::StatusOr<UniqueFd> buffer = node->Allocate(whole);
      const absl::StatusOr<int64_t> inside = CountInside(area, mapping_);
      if (!inside.ok()) return inside.status();
      if (*inside == 0) return absl::UnavailableError("every huge page has left the area");
      if (!buffer.ok() && *inside == before) return absl::StrCat("huge_pages_inside=", *inside);
      before = *inside;
    }
    return absl::UnavailableError("huge pages still move out of the area");
  }

  const int64_t huge_pages_;
  const int64_t scattered_bytes_;
  const int64_t leave_bytes_;
  std::unique_ptr<MemoryHold> hold_;
  std::optional<HeapBuffers> pieces_;
  Mapping mapping_;
};

}  // namespace

Settings NoMigrationTargetDefaults() {
  return {{"huge_pages", 24}, {"scattered_mib", 32}, {"leave_mib", 12}};
}

std::unique_ptr<Trouble> MakeNoMigrationTarget(const Settings& settings) {
  return std::make_unique<NoMigrationTarget>(settings);
}

}  // namespace dmaheap

#include "tests/vm/tools/area_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/number_file.h"

namespace dmaheap {
namespace {

constexpr size_t kPageBytes = 4096;
// Between two looks at where the pages went.
constexpr size_t kChunkBytes = 4 << 20;
// What the rest of the guest needs to go on; below it the OOM killer wakes.
constexpr int64_t kReserveBytes = 24 << 20;

// Documentation/admin-guide/mm/pagemap.rst.
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kFrameMask = (uint64_t{1} << 55) - 1;

void TouchChunk(volatile uint8_t* chunk, Touch touch) {
  for (size_t at = 0; at < kChunkBytes; at += kPageBytes) {
    if (touch == Touch::kRead) {
      static_cast<void>(chunk[at]);
    } else {
      chunk[at] = 1;
    }
  }
}

absl::StatusOr<Mapping> Map(size_t size_bytes, const Placing& placing) {
  if (placing.fd >= 0 && ftruncate(placing.fd, static_cast<off_t>(size_bytes)) != 0) {
    return ErrnoStatus(errno, "ftruncate");
  }
  const int flags = placing.fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  const int access = placing.touch == Touch::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* start = mmap(nullptr, size_bytes, access, flags, placing.fd, 0);
  if (start == MAP_FAILED) {
    return ErrnoStatus(errno, absl::StrCat("mmap of ", size_bytes, " bytes"));
  }
  return Mapping(start, size_bytes);
}

}  // namespace

absl::StatusOr<AreaFrames> ReadAreaFrames() {
  const std::string folder = "/sys/kernel/debug/cma/reserved/";
  const absl::StatusOr<int64_t> first = ReadNumberFile(folder + "base_pfn");
  if (!first.ok()) return first.status();
  const absl::StatusOr<int64_t> pages = ReadNumberFile(folder + "count");
  if (!pages.ok()) return pages.status();
  return AreaFrames{static_cast<uint64_t>(*first), static_cast<uint64_t>(*pages)};
}

absl::StatusOr<std::vector<uint64_t>> FramesOf(const void* start, size_t size_bytes) {
  const UniqueFd file(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "/proc/self/pagemap");
  std::vector<uint64_t> entries(size_bytes / kPageBytes);
  const size_t length = entries.size() * sizeof(uint64_t);
  const auto offset = reinterpret_cast<uintptr_t>(start) / kPageBytes * sizeof(uint64_t);
  if (pread(file.get(), entries.data(), length, static_cast<off_t>(offset)) !=
      static_cast<ssize_t>(length)) {
    return ErrnoStatus(errno, "pread of pagemap");
  }
  for (uint64_t& entry : entries) entry = (entry & kPresent) != 0 ? entry & kFrameMask : 0;
  return entries;
}

absl::StatusOr<int64_t> FreeMemoryBytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  while (meminfo >> key) {
    int64_t kib = 0;
    if (key == "MemFree:" && meminfo >> kib) return kib * 1024;
    meminfo.ignore(256, '\n');
  }
  return absl::NotFoundError("no MemFree in /proc/meminfo");
}

Mapping::Mapping(Mapping&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    Reset();
    start_ = std::exchange(other.start_, nullptr);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
  }
  return *this;
}

void Mapping::Reset() {
  if (start_ != nullptr) munmap(start_, size_bytes_);
  start_ = nullptr;
}

absl::StatusOr<PlacedPages> PlacePagesInArea(const AreaFrames& area, const Placing& placing) {
  const absl::StatusOr<int64_t> free_bytes = FreeMemoryBytes();
  if (!free_bytes.ok()) return free_bytes.status();
  if (*free_bytes <= kReserveBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(*free_bytes, " bytes are free, too few to place any"));
  }
  const size_t limit = static_cast<size_t>(*free_bytes - kReserveBytes) / kChunkBytes * kChunkBytes;
  absl::StatusOr<Mapping> mapping = Map(limit, placing);
  if (!mapping.ok()) return mapping.status();
  std::map<uint64_t, uint8_t*> inside;
  for (size_t done = 0; done < limit && inside.size() < placing.enough; done += kChunkBytes) {
    uint8_t* chunk = mapping->start() + done;
    TouchChunk(chunk, placing.touch);
    const absl::StatusOr<std::vector<uint64_t>> frames = FramesOf(chunk, kChunkBytes);
    if (!frames.ok()) return frames.status();
    for (size_t i = 0; i < frames->size(); ++i) {
      if (area.Has((*frames)[i])) inside[(*frames)[i]] = chunk + i * kPageBytes;
    }
  }
  if (inside.size() < placing.at_least) {
    return absl::ResourceExhaustedError(
        absl::StrCat("only ", inside.size(), " of ", placing.at_least,
                     " pages came to lie in the area, of ", limit / kPageBytes, " in all"));
  }
  PlacedPages placed;
  placed.mapping = *std::move(mapping);
  for (const auto& [frame, page] : inside) placed.inside.push_back(page);
  return placed;
}

absl::StatusOr<PlacedPages> PlaceSpreadPages(const AreaFrames& area, size_t count, int fd,
                                             Touch touch) {
  absl::StatusOr<PlacedPages> placed =
      PlacePagesInArea(area, {.fd = fd,
                              .touch = touch,
                              .at_least = count,
                              .enough = static_cast<size_t>(area.pages * 3 / 4)});
  if (!placed.ok()) return placed.status();
  std::vector<uint8_t*> spread;
  for (size_t i = 0; i < count; ++i) {
    spread.push_back(placed->inside[i * placed->inside.size() / count]);
  }
  placed->inside = std::move(spread);
  return placed;
}

void DropOtherPages(const PlacedPages& placed, int advice) {
  std::vector<uint8_t*> kept = placed.inside;
  std::sort(kept.begin(), kept.end());
  uint8_t* const end = placed.mapping.start() + placed.mapping.size_bytes();
  kept.push_back(end);
  uint8_t* from = placed.mapping.start();
  for (uint8_t* page : kept) {
    if (page > from) madvise(from, static_cast<size_t>(page - from), advice);
    from = page + kPageBytes;
  }
}

absl::StatusOr<uint64_t> LargestRunWithout(const AreaFrames& area,
                                           const std::vector<uint8_t*>& pages) {
  std::set<uint64_t> frames = {area.first + area.pages};
  for (const uint8_t* page : pages) {
    const absl::StatusOr<std::vector<uint64_t>> frame = FramesOf(page, kPageBytes);
    if (!frame.ok()) return frame.status();
    if (!area.Has(frame->front())) {
      return absl::UnavailableError("a page left the area before it was pinned");
    }
    frames.insert(frame->front());
  }
  uint64_t largest = 0;
  uint64_t from = area.first;
  for (const uint64_t frame : frames) {
    largest = std::max(largest, frame - from);
    from = frame + 1;
  }
  return largest;
}

}  // namespace dmaheap

// Which pages of this process lie in the CMA area, and how to get some there. Root.

#ifndef TESTS_VM_TOOLS_AREA_PAGES_H_
#define TESTS_VM_TOOLS_AREA_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dmaheap {

// The page frames of an area.
struct AreaFrames {
  uint64_t first = 0;
  uint64_t pages = 0;

  bool Has(uint64_t pfn) const { return pfn >= first && pfn - first < pages; }
};

// From debugfs, of the area of cma=.
absl::StatusOr<AreaFrames> ReadAreaFrames();

// The page frame of each page of [start, start + size): 0 where none is there
// (Documentation/admin-guide/mm/pagemap.rst).
absl::StatusOr<std::vector<uint64_t>> FramesOf(const void* start, size_t size_bytes);

// Bytes of MemFree in /proc/meminfo.
absl::StatusOr<int64_t> FreeMemoryBytes();

// A mapping that is gone with its owner.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* start, size_t size_bytes) : start_(start), size_bytes_(size_bytes) {}
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { Reset(); }

  uint8_t* start() const { return static_cast<uint8_t*>(start_); }
  size_t size_bytes() const { return size_bytes_; }
  void Reset();

 private:
  void* start_ = nullptr;
  size_t size_bytes_ = 0;
};

// What brings a page of a mapping into being. Reading is enough for a file's: and its holes take no
// place on the disk.
enum class Touch { kWrite, kRead };

struct Placing {
  // Of a file; -1 for anonymous memory.
  int fd = -1;
  Touch touch = Touch::kWrite;
  // How many pages have to lie in the area, and with how many it is enough.
  size_t at_least = 0;
  size_t enough = 0;
};

struct PlacedPages {
  Mapping mapping;
  // Start of each page that lies in the area, by their frames.
  std::vector<uint8_t*> inside;
};

// Maps memory and touches it chunk by chunk, until enough of its pages lie in the area or memory
// ends. The kernel puts movable pages there once more than half of what is free is in areas
// (mm/page_alloc.c, __rmqueue), those at the end of the area first.
absl::StatusOr<PlacedPages> PlacePagesInArea(const AreaFrames& area, const Placing& placing);

// count pages that lie as far apart in the area as they can: what holds them leaves no large room.
// fd and touch as in Placing.
absl::StatusOr<PlacedPages> PlaceSpreadPages(const AreaFrames& area, size_t count, int fd,
                                             Touch touch = Touch::kWrite);

// Gives back all of the mapping but the pages inside; advice: MADV_DONTNEED, or MADV_REMOVE for a
// file's.
void DropOtherPages(const PlacedPages& placed, int advice);

// The longest run of the area that has none of these pages. kUnavailable if one has left the area,
// as it may until it is pinned.
absl::StatusOr<uint64_t> LargestRunWithout(const AreaFrames& area,
                                           const std::vector<uint8_t*>& pages);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_AREA_PAGES_H_

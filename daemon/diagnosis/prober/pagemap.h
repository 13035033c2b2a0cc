// What the kernel says of single page frames, taken apart: pure functions over its tables.
//
//   /proc/PID/pagemap   64 bits for each page of an address space (kernel:
//                       Documentation/admin-guide/mm/pagemap.rst): bit 63 present, bits 0 to 54 the
//                       frame's number, which reads as 0 without CAP_SYS_ADMIN
//   /proc/PID/maps      the parts of the address space that there are
//   /proc/kpagecount    64 bits for each frame: how often it is mapped
//   /proc/kpageflags    64 bits for each frame (include/uapi/linux/kernel-page-flags.h)

#ifndef DAEMON_DIAGNOSIS_PROBER_PAGEMAP_H_
#define DAEMON_DIAGNOSIS_PROBER_PAGEMAP_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace dmaheap {

inline constexpr uint64_t kPagemapPresent = uint64_t{1} << 63;
inline constexpr uint64_t kPagemapFrameMask = (uint64_t{1} << 55) - 1;

struct FrameRange {
  uint64_t first = 0;
  uint64_t count = 0;

  bool Holds(uint64_t frame) const { return frame >= first && frame - first < count; }
};

// "FIRST COUNT" in digits, as a request names it. Absent if it is anything else, empty, or goes on
// behind the last frame there can be.
absl::optional<FrameRange> ParseFrameRange(absl::string_view text);

struct PagemapCount {
  // Present pages, and those of them in the range.
  uint64_t present = 0;
  uint64_t inside = 0;
  // A present page with a number that is not 0: the kernel shows them to us.
  bool numbers_shown = false;
};

// Adds what a piece of pagemap says.
void CountFrames(absl::Span<const uint64_t> entries, const FrameRange& range, PagemapCount& count);

// Whether a frame with these flags (kpageflags) is in the page cache of a file system that may have
// yet to write it: it is dirty, or the file system has something of its own attached to it, as with
// the buffers of a journal's transaction, which the flags do not show as dirty. Not tmpfs, which
// writes nothing.
bool MayBeUnwritten(uint64_t frame_flags);

// What a frame with these flags is.
enum class FrameKind {
  // Nobody's: the allocator of pages has it.
  kFree,
  kAnonymous,
  // Of a file, those of tmpfs and memfds among them.
  kPageCache,
  // The kernel's own, or not known.
  kOther,
};
FrameKind KindOfFrame(uint64_t frame_flags);

struct AddressRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// The addresses of a line of maps. Absent for one that is not whole, and for vsyscall, which lies
// in the kernel's half.
absl::optional<AddressRange> ParseAddresses(absl::string_view maps_line);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PAGEMAP_H_

// The kernel's log, as far as it tells of a contiguous area that refused: pure functions on text.
//
// A read of /dev/kmsg gives one record (Documentation/ABI/testing/dev-kmsg; kernel/printk/printk.c,
// info_print_ext_header and msg_print_ext_body):
//
//   PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,..];TEXT\n
//    KEY=VALUE\n
//
// TEXT may be of any process that can write to /dev/kmsg, or hold the name of one. The first can
// not pass for the kernel, which keeps the facility 0 for itself; a name, at most 15 bytes, is
// never what a line below begins with. A line of ours is whole and as the kernel writes it to the
// last byte, as a number that is cut off is another number.

#ifndef DAEMON_DIAGNOSIS_PROBER_KMSG_TEXT_H_
#define DAEMON_DIAGNOSIS_PROBER_KMSG_TEXT_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "heaps/cma_area.h"

namespace dmaheap {

struct KmsgRecord {
  // Facility times 8 and level.
  int priority = 0;
  // One more than that of the record before; where it is more, records were lost.
  uint64_t sequence = 0;
  // Since the boot, by the kernel's local clock.
  int64_t microseconds = 0;
  // Who had it written (gettid(2)); 0: an interrupt, or not told (CONFIG_PRINTK_CALLER).
  int32_t thread = 0;
  // Without its escapes, the line break and the lines with keys.
  std::string text;

  // Not of a process that wrote to /dev/kmsg.
  bool FromKernel() const { return priority >> 3 == 0; }
};

// Absent for what is not a whole record.
absl::optional<KmsgRecord> ParseKmsgRecord(absl::string_view record);

// A piece of a free list. The kernel makes several records of one that has several ranges, or is
// longer than a record (about 1 KiB).
struct FreeListPart {
  std::string text;
  bool first = false;
  // The sum is in it.
  bool last = false;
};

// A failed allocation (cma_alloc in mm/cma.c), the whole free list of its area or a part of it
// (cma_debug_show_areas), frames that could not be taken (alloc_contig_range in mm/page_alloc.c,
// before Linux 5.15), or nothing of these.
using KmsgLine = std::variant<std::monostate, CmaAllocFailure, CmaFreeList, FreeListPart, PfnRange>;
KmsgLine ParseKmsgText(absl::string_view text);

// Puts a free list together of the parts in which it came. Not thread-safe.
class FreeListParts {
 public:
  // The whole list, with its last part. Absent before that, and where the parts do not make one.
  absl::optional<CmaFreeList> Take(const FreeListPart& part);

 private:
  bool begun_ = false;
  std::string text_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_KMSG_TEXT_H_

// What the guest's kernel says of its CMA area, read anew at each call. Root, for debugfs. A file
// that is not there fails the test.

#ifndef TESTS_VM_GUEST_CMA_COUNTERS_H_
#define TESTS_VM_GUEST_CMA_COUNTERS_H_

#include <cstdint>
#include <string>

namespace dmaheap {

// The area of cma= by its own name, under this kernel.
inline constexpr char kDefaultArea[] = "reserved";

struct CmaCounters {
  // Of debugfs: pages of the area that are allocated from it, in all.
  int64_t used_pages = 0;
  int64_t total_pages = 0;
  // Of sysfs: pages that were allocated, that could not be, and that came back since the boot.
  int64_t allocated_pages = 0;
  int64_t failed_pages = 0;
  int64_t released_pages = 0;
};
CmaCounters ReadCmaCounters(const std::string& area = kDefaultArea);

// CmaFree of /proc/meminfo: pages of all areas that are allocated neither from the area nor by
// somebody whose pages the kernel can move out of it.
int64_t CmaFreeBytes();

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_CMA_COUNTERS_H_

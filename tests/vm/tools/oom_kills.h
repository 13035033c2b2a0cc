// Whether memory ended: then a storm lost some of its processes, and proves nothing.

#ifndef TESTS_VM_TOOLS_OOM_KILLS_H_
#define TESTS_VM_TOOLS_OOM_KILLS_H_

#include <cstdint>

namespace dmaheap {

// How many processes the OOM killer ended since the boot (/proc/vmstat).
int64_t OomKills();

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_OOM_KILLS_H_

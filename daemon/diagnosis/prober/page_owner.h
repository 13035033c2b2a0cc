// Who asked the kernel for a page, by debugfs page_owner.

#ifndef DAEMON_DIAGNOSIS_PROBER_PAGE_OWNER_H_
#define DAEMON_DIAGNOSIS_PROBER_PAGE_OWNER_H_

#include <cstdint>

#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// Of a process that is gone, or whose number another one has by now, only the pid and the name that
// it had then are told, with kNoUid. Absent: the kernel was not booted with page_owner=on, or knows
// of none.
absl::optional<ProcessRecord> FindPageAllocator(const ProberRoots& roots, uint64_t frame,
                                                const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PAGE_OWNER_H_

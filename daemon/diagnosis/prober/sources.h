// Answers sources: what this prober can see, tried out.
//
// What it may see depends on its capabilities, on the kernel's configuration and on what is
// mounted; none of that is asked for, but each source is used once as a diagnosis would use it.

#ifndef DAEMON_DIAGNOSIS_PROBER_SOURCES_H_
#define DAEMON_DIAGNOSIS_PROBER_SOURCES_H_

#include "daemon/diagnosis/prober/kernel_log.h"
#include "daemon/diagnosis/prober/page_tracer.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// One SourceRecord for each EvidenceSource: ENOENT where this kernel does not have it or it is not
// mounted, EACCES and EPERM where a capability is missing, ENOTSUP where the keeper handed over no
// such trace (its log says why).
ProberReply FindSources(const ProberRoots& roots, const PageTracer& pages, KernelLog& log,
                        const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_SOURCES_H_

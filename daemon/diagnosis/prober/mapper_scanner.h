// Answers who_maps: which processes have page frames of a range in their address space.
//
// Looks through /proc/PID/maps and /proc/PID/pagemap of every process (measured: 2 to 20 ms on a
// quiet machine, 10 to 110 ms in a fork storm). A reference that is no mapping, such as a pipe's or
// a driver's, has no mapper: then kpagecount says 0 and nobody is found.

#ifndef DAEMON_DIAGNOSIS_PROBER_MAPPER_SCANNER_H_
#define DAEMON_DIAGNOSIS_PROBER_MAPPER_SCANNER_H_

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// range: as ParseFrameRange of pagemap.h, else error_number is EINVAL. EPERM: the kernel shows no
// frame numbers to us (CAP_SYS_ADMIN). One FrameRecord, of the first frame, and a MapperRecord for
// each process that was found; kProberHoldersPartial where not all could be looked into.
ProberReply FindMappers(const ProberRoots& roots, absl::string_view range, const TimeBox& box);

// Whether a process maps the frame; process: the opened folder /proc/PID, borrowed. False also
// where the box ended before it was found.
bool MapsFrame(int process, uint64_t frame, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_MAPPER_SCANNER_H_

// Answers area_state and free_runs: what debugfs and sysfs say of one CMA area.
//
//   debugfs cma/NAME   base_pfn, count, order_per_bit, used, maxchunk, bitmap (mm/cma_debug.c); the
//                      folder was "cma-NAME", cut at 15 characters, before Linux 5.13; base_pfn and
//                      bitmap are below ranges/0 since areas may have several ranges (6.15)
//   sysfs mm/cma/NAME  alloc_pages_success, alloc_pages_fail (5.13), release_pages_success (6.9)

#ifndef DAEMON_DIAGNOSIS_PROBER_AREA_READER_H_
#define DAEMON_DIAGNOSIS_PROBER_AREA_READER_H_

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// error_number is EINVAL for a name that can not be a folder (empty, ".", "..", or with a slash);
// else there is one record, which says for each source why it told nothing.
ProberReply ReadAreaState(const ProberRoots& roots, absl::string_view area, const TimeBox& box);

// error_number, beside that: the errno of what could not be read, ENOTSUP for an area of several
// ranges, EBADMSG for a bitmap that is none, ETIME where the box ended before, EMSGSIZE for more
// runs than an answer holds.
ProberReply ReadFreeRuns(const ProberRoots& roots, absl::string_view area, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_AREA_READER_H_

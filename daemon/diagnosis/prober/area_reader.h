// Answers free_runs: which pages of one CMA area are free.
//
//   debugfs cma/NAME   count, order_per_bit, bitmap (mm/cma_debug.c). The folder was "cma-NAME", at
//                      most 15 characters of it, before Linux 5.13; the bitmap is below ranges/0
//                      since areas may have several ranges (6.15).

#ifndef DAEMON_DIAGNOSIS_PROBER_AREA_READER_H_
#define DAEMON_DIAGNOSIS_PROBER_AREA_READER_H_

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// error_number: EINVAL for a name that can not be a folder (empty, ".", "..", or with a slash), the
// errno of what could not be read, ENOTSUP for an area of several ranges, EBADMSG for a bitmap that
// is none, ETIME where the box ended before, EMSGSIZE for more runs than an answer holds.
ProberReply ReadFreeRuns(const ProberRoots& roots, absl::string_view area, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_AREA_READER_H_

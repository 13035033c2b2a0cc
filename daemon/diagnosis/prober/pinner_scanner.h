// Answers who_pins: what is known of a page frame beyond its mappings, and who holds it in a pipe.
//
// A pipe tells nobody which pages it holds. But tee(2) takes a reference to each of them without
// taking anything out, and the kernel's trace tells of each reference to a watched page that is
// given up, and by whom: a pipe after whose tee a scout of ours gave one up has the page. Only a
// scout touches a pipe (pipe_touch.h): it may be held there for as long as somebody likes, and is
// left behind then (scouts.h). That pipe is not looked at, and the answer says that it is partial.
//
// A direct transfer pins a page once for each use, by 1024 references at a time
// (GUP_PIN_COUNTING_BIAS, include/linux/mm.h). Whose it is, is in the system call that waits for it
// (direct_transfers.h).
//
// The references of a page are told in the same way: reading the page's place in
// /sys/kernel/mm/page_idle/bitmap takes one and gives it up again (mm/page_idle.c).

#ifndef DAEMON_DIAGNOSIS_PROBER_PINNER_SCANNER_H_
#define DAEMON_DIAGNOSIS_PROBER_PINNER_SCANNER_H_

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/page_tracer.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/scouts.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// question: "FRAME MILLISECONDS" in digits, the latter a box of its own, else error_number is
// EINVAL. One FrameRecord, and a PinnerRecord for each process that has a pipe open which holds the
// page, or waits for a direct transfer of it. Where the kernel tells no references, pinners are not
// told, and the answer is flagged kProberHoldersPartial, as it is where not every process could be
// looked into.
ProberReply FindPinners(const ProberRoots& roots, absl::string_view question, PageTracer& pages,
                        Scouts& scouts, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PINNER_SCANNER_H_

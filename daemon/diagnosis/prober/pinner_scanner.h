// Answers who_pins: what is known of a page frame beyond its mappings, and who holds it in a pipe.
//
// A pipe tells nobody which pages it holds. But tee(2) takes a reference to each of them without
// taking anything out, and the kernel's trace tells of each reference to a watched page that is
// given up, and by whom: a pipe after whose tee this thread gave one up has the page. Nothing
// changes for the pipe's users: its bytes stay, and it has one more reader for an instant. Opening
// and tee wait for the pipe's lock, which a user may hold for as long as memory or a file of his
// takes to answer; nothing ends that wait. The caller's timeout then stands for the time box.
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
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

// question: "FRAME MILLISECONDS" in digits, the latter a box of its own, else error_number is
// EINVAL. One FrameRecord, and a PinnerRecord for each process that has a pipe open which holds the
// page, or waits for a direct transfer of it. Where the kernel tells no references, pinners are not
// told, and the answer is flagged kProberHoldersPartial, as it is where not every process could be
// looked into.
ProberReply FindPinners(const ProberRoots& roots, absl::string_view question, PageTracer& pages,
                        const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PINNER_SCANNER_H_

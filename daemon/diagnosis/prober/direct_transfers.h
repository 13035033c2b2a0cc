// Who waits for a direct transfer of a page frame.
//
// A thread that is in a read or write system call waits there until the device is done. What it
// asked for is in /proc/PID/task/TID/syscall (the number and its arguments, by
// CONFIG_HAVE_ARCH_TRACEHOOK), a list of pieces in its memory; which frames that is, in its
// pagemap. Only fds that were opened with O_DIRECT count: others copy. Transfers that nobody waits
// for in a call of his own (io_submit(2), io_uring) are not found.
//
// Reading another process's memory may bring a page of it in, which takes as long as the file that
// it is of likes, and its pagemap waits for a lock of that process: it is what scouts are for
// (scouts.h). None is sent to a process that is in no such call.

#ifndef DAEMON_DIAGNOSIS_PROBER_DIRECT_TRANSFERS_H_
#define DAEMON_DIAGNOSIS_PROBER_DIRECT_TRANSFERS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/scout_wire.h"
#include "daemon/diagnosis/prober/scouts.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// A system call that moves bytes between a file and memory.
struct TransferCall {
  int32_t fd = 0;
  // Of the bytes, or of a list of pieces (struct iovec).
  uint64_t address = 0;
  bool of_pieces = false;
  // Bytes, or pieces.
  uint64_t count = 0;
};

// The text of /proc/PID/task/TID/syscall: "0 0x3 0x7f.. 0x1000 ...", the number in decimal. Absent
// for a thread that runs, and for any other call.
absl::optional<TransferCall> ParseTransferCall(absl::string_view text);

// Whether the text of /proc/PID/fdinfo/FD says O_DIRECT: "flags:\t0140000", in octal.
bool IsDirect(absl::string_view fdinfo);

// Whether one of its threads waits for a transfer of the frame: kScoutFound. process: the opened
// folder /proc/PID. By a scout.
ScoutAnswer LookForTransfer(const UniqueFd& process, uint64_t frame, const TimeBox& box);

// Adds a PinnerRecord for each process that waits for a transfer of the frame.
// kProberHoldersPartial: not every process could be looked into. By the prober.
void FindDirectTransfers(const UniqueFd& proc, uint64_t frame, Scouts& scouts, const TimeBox& box,
                         ProberReply& reply);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_DIRECT_TRANSFERS_H_

// What the kernel's tables of page frames, /proc/kpagecount and kpageflags, say of one frame.

#ifndef DAEMON_DIAGNOSIS_PROBER_FRAME_TABLES_H_
#define DAEMON_DIAGNOSIS_PROBER_FRAME_TABLES_H_

#include "daemon/diagnosis/prober/prober_wire.h"

namespace dmaheap {

// Adds to record, of record.frame, what can be read; present says what that was. proc: the folder
// /proc, borrowed.
void ReadMapCount(int proc, FrameRecord& record);
void ReadFrameFlags(int proc, FrameRecord& record);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_FRAME_TABLES_H_

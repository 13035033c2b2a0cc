// `dmaheapd --thaw`: the stop step of a service manager.
//
// If keeper, broker and prober were killed at once while a cgroup stood still, nobody is left to
// thaw it. The next start does, and before that this does: for systemd's ExecStopPost=, or Android
// init's "on property:init.svc.dmaheapd=stopped".

#ifndef DAEMON_KEEPER_THAW_H_
#define DAEMON_KEEPER_THAW_H_

#include "daemon/options.h"

namespace dmaheap {

// Thaws what the record in the folder of the sockets names. 0: nothing of it is frozen any more, or
// a daemon runs, whose affair it is; 1: it could not be thawed, and the log says why.
int RunThaw(const Options& options);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_THAW_H_

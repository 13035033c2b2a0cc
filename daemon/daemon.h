// The broker: who may have a buffer, when, and why not. Its composition root.
//
// Started by the keeper, with what it needs in its fds (handover/inheritance.h); holds no
// privilege.

#ifndef DAEMON_DAEMON_H_
#define DAEMON_DAEMON_H_

#include "daemon/options.h"

namespace dmaheap {

// Runs until SIGTERM; the exit code of the process.
int RunBroker(const Options& options);

}  // namespace dmaheap

#endif  // DAEMON_DAEMON_H_

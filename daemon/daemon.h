// The broker: the composition root of everything that serves clients.

#ifndef DAEMON_DAEMON_H_
#define DAEMON_DAEMON_H_

#include "daemon/options.h"

namespace dmaheap {

// Serves until SIGTERM. The keeper has handed over sockets, heaps and the fd store by the protocol
// of socket activation. Returns the exit code; kExitConfig (options.h) for a mistake in the
// set-up that another try would meet again.
int RunBroker(const Options& options);

}  // namespace dmaheap

#endif  // DAEMON_DAEMON_H_

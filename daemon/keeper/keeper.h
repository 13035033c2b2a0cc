// The parent of the daemon: it holds things and parses nothing.
//
// Opens the heap nodes and the listening sockets, starts the prober and the broker, restarts either
// when it dies, and keeps the fds that the broker asks it to. One thread, one ppoll loop; no byte
// of a client and no text of /proc is ever read here.

#ifndef DAEMON_KEEPER_KEEPER_H_
#define DAEMON_KEEPER_KEEPER_H_

#include <string>
#include <vector>

#include "daemon/options.h"

namespace dmaheap {

// Runs until a signal ends it. words is the command line, which the children get too. Returns the
// exit code: 0 after SIGTERM or SIGINT; 1 where the keeper itself could not start, with the reason
// in the log; the broker's own code (128 and the signal's number, if one killed it) where the
// broker never came up.
int RunKeeper(const Options& options, std::vector<std::string> words);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_KEEPER_H_

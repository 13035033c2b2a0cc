// Runs a program that inherits buffers.

#ifndef CLIENT_CTL_RUN_COMMAND_H_
#define CLIENT_CTL_RUN_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/ctl/interrupt.h"

namespace dmaheap::ctl {

// The fds get the numbers 3, 4, ... in the program, which finds them in DMAHEAP_FDS=3,4,...; the
// caller keeps its own. command[0] is looked for in PATH. Blocks until the program ends and returns
// what a shell would: its exit code, 128 and the signal that killed it, 127 where it does not exist
// and 126 where it can not be run (then *error has a text). A signal to this process goes on to the
// program. An error of the status: no process or fd could be made.
absl::StatusOr<int> RunCommand(const std::vector<std::string>& command, const std::vector<int>& fds,
                               Interrupt& interrupt, std::string& error);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_RUN_COMMAND_H_

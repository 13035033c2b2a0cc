// Starts the broker or the prober: fork, set the stage, exec ourselves with another --role.
//
// The child gets its fds by the protocol of systemd's socket activation: numbers from 3 on,
// LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES (sd_listen_fds_with_names(3)); every other fd but the
// standard three is closed. It dies with its keeper (PR_SET_PDEATHSIG), since nobody would restart
// it, and lives in a session of its own, since Ctrl-C is the keeper's to handle.

#ifndef DAEMON_KEEPER_CHILD_H_
#define DAEMON_KEEPER_CHILD_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/keeper/account.h"
#include "daemon/keeper/privileges.h"

namespace dmaheap {

// Exit code of a child that could not be set up (EX_OSERR of sysexits.h); its log says why.
inline constexpr int kExitChildSetup = 71;

struct ChildFd {
  std::string name;
  // Borrowed from the keeper; the child gets a duplicate.
  int fd = -1;
};

struct ChildSpec {
  // argv of the exec, with --role.
  std::vector<std::string> argv;
  std::vector<ChildFd> fds;
  // Variables beside those of the fds. WATCHDOG_USEC brings WATCHDOG_PID with it.
  std::vector<std::pair<std::string, std::string>> environment;
  Account account;
  std::vector<cap_value_t> capabilities;
  int oom_score = 0;
  // A folder that the child must be able to write to as what it becomes. Empty: none.
  std::string writable_folder;
};

// The pid of the child. The calling process must have one thread only. Errors carry the errno of
// fork; what fails later ends the child with kExitChildSetup.
absl::StatusOr<pid_t> SpawnChild(const ChildSpec& spec);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_CHILD_H_

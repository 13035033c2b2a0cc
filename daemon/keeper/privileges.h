// What a child may still do when it becomes the broker or the prober.
//
// These functions change the calling process, which is the forked child before its exec, or, for
// HardenProcess, a role at its start.

#ifndef DAEMON_KEEPER_PRIVILEGES_H_
#define DAEMON_KEEPER_PRIVILEGES_H_

#include <sys/capability.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/keeper/account.h"

namespace dmaheap {

// What the prober needs, each for one kind of source (capabilities(7), proc(5)).
//   CAP_SYS_PTRACE        /proc/PID/fd, fdinfo and maps of other accounts
//   CAP_DAC_READ_SEARCH   the folders of those, and debugfs
//   CAP_SYS_ADMIN         the numbers of page frames in /proc/PID/pagemap; whatever else it allows
//   is
//                         a system call that the prober's sandbox ends the process for
//   CAP_SYSLOG            opening /dev/kmsg where kernel.dmesg_restrict is set; the prober gives it
//                         up right after
inline constexpr cap_value_t kProberCapabilities[] = {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
                                                      CAP_SYS_ADMIN, CAP_SYSLOG};

// Those of wanted that this process has (permitted), in the same order.
absl::StatusOr<std::vector<cap_value_t>> AvailableCapabilities(
    absl::Span<const cap_value_t> wanted);

// Changes to account if account.change, and keeps of all capabilities only those of keep that this
// process has: permitted, effective, inheritable and ambient, so that they survive the exec; the
// bounding set shrinks to them too where that is allowed (CAP_SETPCAP). Then no exec can give
// privileges any more (PR_SET_NO_NEW_PRIVS). Errors carry the errno; the process is then in between
// and must exit.
absl::Status DropPrivileges(const Account& account, absl::Span<const cap_value_t> keep);

// For a role at its start, since an exec resets both: no core dump and no ptrace or /proc/PID/mem
// by processes of the same account (PR_SET_DUMPABLE 0); and the name that ps shows, at most 15
// characters, since the exec of /proc/self/exe left "exe".
void HardenProcess(absl::string_view name);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_PRIVILEGES_H_

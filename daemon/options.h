// What the command line of dmaheapd asks for: one set of options for its three roles.
//
// The keeper hands its own command line on to the broker and the prober and adds --role, so every
// role parses the same words. ParseCommandLine touches nothing but its arguments: no file, no
// environment, no account is looked at.

#ifndef DAEMON_OPTIONS_H_
#define DAEMON_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/limits.h"

namespace dmaheap {

// The keeper is what a person starts; it starts the other two.
// kThaw is the stop step of a service manager: it cleans up after a keeper that was killed.
enum class Role { kKeeper, kBroker, kProber, kThaw };

struct SimulateOption {
  int64_t size_bytes = int64_t{256} << 20;
  std::string name = "simulated";
};

struct DrmHeapOption {
  // Of the heap that it becomes.
  std::string name;
  // Of a card's node, /dev/dri/card0 or a link to it.
  std::string path;
};

struct Options {
  Role role = Role::kKeeper;

  std::string socket_dir = "/run/dmaheapd";
  // Where the broker writes its journal. Never empty: <socket_dir>/state unless told.
  std::string state_dir = "/run/dmaheapd/state";
  // Whose nodes are the kernel's heaps.
  std::string heap_dir = "/dev/dma_heap";

  // Empty: the built-in policy.
  std::string policy_file;
  // Absent: no simulated heap unless the policy names one.
  absl::optional<SimulateOption> simulate;
  // Cards whose dumb buffers are served. No two of one name.
  std::vector<DrmHeapOption> drm_heaps;

  // Name or number of the account that the broker and the prober run as. Empty: not told, see
  // keeper/privileges.h for what follows.
  std::string user;
  // trace, debug, info, warn or error.
  std::string log_level = "info";
  // Where "READY\n" goes once the daemon serves. The keeper's alone: -1 in the other roles.
  int ready_fd = -1;
  // Of all processes of the daemon: -20 to 19.
  int nice = kDefaultNice;
  // Whether the keeper keeps its memory from being paged out.
  bool lock_memory = true;
  // How long the broker may be silent before it is taken for stuck. Zero: no watchdog.
  absl::Duration watchdog = absl::Seconds(10);
  // Cgroups that may be frozen for an instant to get an allocation through: absolute paths, none
  // inside another. Empty: nothing is ever frozen.
  std::vector<std::string> barrier_cgroups;
  // File systems that may be synced to get an allocation through, by their mount points: absolute
  // paths, no two alike. Empty: nothing is ever synced.
  std::vector<std::string> sync_filesystems;
  // Whether a prober is started. Without one allocations go on, and failures are explained less.
  bool prober = true;
};

// Environment variable in which the keeper tells the broker the uid that started it.
inline constexpr absl::string_view kOperatorUidVariable = "DMAHEAPD_OPERATOR_UID";

// What became of a command line: options, or a text to print and the code to exit with.
struct CommandLine {
  absl::optional<Options> options;
  // For standard output when exit_code is 0 (--help, --version), else for standard error.
  std::string text;
  int exit_code = 0;
};

// Exit code for a command line that is wrong.
inline constexpr int kExitUsage = 2;

// Exit code (EX_CONFIG of sysexits.h) for a broker whose policy, or another part of the set-up, is
// wrong. At the first start the keeper ends the daemon with it at once: another try would find the
// same mistake.
inline constexpr int kExitConfig = 78;

CommandLine ParseCommandLine(int argc, const char* const* argv);

// "4096", "64KiB", "256M", "1GiB": whole pages of 4096 bytes, K, M and G by 1024. INVALID_ARGUMENT
// says what is wrong with anything else.
absl::StatusOr<int64_t> ParseSize(absl::string_view text);

// The value of --simulate: "", "SIZE", "SIZE,NAME" or ",NAME". A name may hold commas, as the
// kernel's linux,cma does.
absl::StatusOr<SimulateOption> ParseSimulate(absl::string_view text);

// INVALID_ARGUMENT for paths that are not plain and absolute ("/a/b"), for too many, and for two of
// which one is the other or below it: freezing one would freeze both.
absl::Status CheckBarrierCgroups(const std::vector<std::string>& paths);

// INVALID_ARGUMENT for paths that are not plain and absolute ("/", "/a/b"), for too many, and for
// one that is named twice.
absl::Status CheckSyncFilesystems(const std::vector<std::string>& paths);

// The value of --drm-heap: "NAME=PATH", with an absolute path. INVALID_ARGUMENT quotes anything
// else and says how it would be right.
absl::StatusOr<DrmHeapOption> ParseDrmHeap(absl::string_view text);

}  // namespace dmaheap

#endif  // DAEMON_OPTIONS_H_

// A real daemon, started by a test and watched without sleeping: its log is a pipe, its readiness
// an fd, its end a pidfd. One thread. The destructor kills what is left of it.

#ifndef DAEMON_KEEPER_TESTING_DAEMON_PROCESS_H_
#define DAEMON_KEEPER_TESTING_DAEMON_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// A folder below /tmp (socket paths are short there), open to every account, removed with all that
// is in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string Below(absl::string_view name) const;
  // Writes a file into it; returns its path.
  std::string Write(absl::string_view name, absl::string_view text) const;

 private:
  std::string path_;
};

struct StartSpec {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  // Handed over by socket activation, in this order; borrowed.
  std::vector<std::pair<std::string, int>> listen_fds;
  // Folders over which an empty one is mounted, for this daemon alone. Root.
  std::vector<std::string> hidden;
  // Capabilities that neither it nor its children ever have. Root.
  std::vector<int> dropped_capabilities = {};
  // Become this user, with no capability, before the exec. 0: stay.
  uid_t uid = 0;
  // Whether --ready-fd is added to the arguments.
  bool pass_ready_fd = true;
};

class DaemonProcess {
 public:
  // Every wait ends after this, with a failed test.
  static constexpr int kPatienceMilliseconds = 20'000;

  // Starts program with spec.arguments and --ready-fd.
  DaemonProcess(const std::string& program, const StartSpec& spec);
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Whether it said READY; false if it ended instead.
  bool WaitReady();
  // Its exit code, or 128 and the signal that ended it.
  int WaitExit();
  // Reads on in the log until a line holds text, and returns that line; empty if none came. Lines
  // that were returned are not looked at again.
  std::string WaitLog(absl::string_view text);
  // All of the log so far.
  std::string Log();
  void Signal(int number) const;

 private:
  bool ReadLog(int timeout_milliseconds);

  pid_t pid_ = 0;
  int exit_code_ = -1;
  UniqueFd pidfd_;
  UniqueFd ready_;
  UniqueFd log_;
  std::string log_text_;
  size_t log_seen_ = 0;
};

// Sends a command to the Unix socket at path and reads the answer to its end. Empty if nobody
// answers.
std::string Ask(const std::string& path, absl::string_view command);

// Waits until that process, which need not be a child, has ended.
bool WaitGone(pid_t pid);

// The number behind key= in a line of the log; -1 if there is none.
int NumberIn(absl::string_view line, absl::string_view key);

// A line of /proc/PID/status, without its key.
std::string StatusOf(pid_t pid, absl::string_view key);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_TESTING_DAEMON_PROCESS_H_

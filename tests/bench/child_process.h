// A process that a benchmark starts: the daemon, or what it is compared with.

#ifndef TESTS_BENCH_CHILD_PROCESS_H_
#define TESTS_BENCH_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/unique_fd.h"

namespace dmaheap::bench {

// Its standard output is a pipe on which it says READY, its standard input one that ends when we do
// (WaitForParent): standard output of the benchmark stays the result's. The kernel sends it SIGTERM
// when the thread that started it ends. One thread.
class ChildProcess {
 public:
  // command[0] is the program. log_file takes what it says on standard error; empty: ours does.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(std::vector<std::string> command,
                                                             const std::string& log_file);
  // Ends it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Until it said READY and a newline. UNAVAILABLE: it ended, or patience did.
  absl::Status WaitReady(absl::Duration patience);

  // Until it ends by itself: its exit code, or 128 and the signal. DEADLINE_EXCEEDED: it did not
  // within patience, and runs on.
  absl::StatusOr<int> WaitEnd(absl::Duration patience);

  // Closes its standard input, sends SIGTERM, waits; after patience SIGKILL. What its end says.
  absl::Status Stop(absl::Duration patience);

 private:
  ChildProcess(std::string name, pid_t pid, UniqueFd input, UniqueFd output);
  bool EndsWithin(absl::Duration patience) const;
  // The status of wait(2).
  int Reap();

  const std::string name_;
  const pid_t pid_;
  UniqueFd input_;
  UniqueFd output_;
  bool ended_ = false;
};

// For a child: says READY to who started it.
void SayReady();
// For a child: returns when its parent wants it to end, or ended itself.
void WaitForParent();

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_CHILD_PROCESS_H_

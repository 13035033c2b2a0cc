// The real daemon, on a simulated heap, in a folder of the run.

#ifndef TESTS_BENCH_DAEMON_UNDER_TEST_H_
#define TESTS_BENCH_DAEMON_UNDER_TEST_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/child_process.h"
#include "tests/bench/run_folder.h"

namespace dmaheap::bench {

// Its heap, and how it was made: the defaults of --simulate.
inline constexpr absl::string_view kSimulatedHeap = "simulated";

class DaemonUnderTest {
 public:
  // Serves when this returns. With the built-in policy: 512 MiB and 1024 buffers for each user, of
  // which a benchmark that releases what it gets needs little. Started by root its broker and
  // prober are of another user, as in production. What it logs is shown if it does not start.
  static absl::StatusOr<std::unique_ptr<DaemonUnderTest>> Start(const RunFolder& folder);

  const std::string& socket_dir() const { return socket_dir_; }
  // Its three processes.
  pid_t keeper() const { return keeper_->pid(); }
  pid_t broker() const { return broker_; }
  pid_t prober() const { return prober_; }

  // Ends it; an error if it did not end in good order, or one of its processes had to be started
  // again meanwhile.
  absl::Status Stop();

 private:
  DaemonUnderTest(std::string socket_dir, std::unique_ptr<ChildProcess> keeper)
      : socket_dir_(std::move(socket_dir)), keeper_(std::move(keeper)) {}

  const std::string socket_dir_;
  const std::unique_ptr<ChildProcess> keeper_;
  pid_t broker_ = -1;
  pid_t prober_ = -1;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_DAEMON_UNDER_TEST_H_

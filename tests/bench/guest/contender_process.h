// A contender in a process of its own, as a user of its own: it waits for a word, makes an attempt,
// gives the buffer back, and tells what came of it. One thread.

#ifndef TESTS_BENCH_GUEST_CONTENDER_PROCESS_H_
#define TESTS_BENCH_GUEST_CONTENDER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "proto/unique_fd.h"
#include "tests/bench/guest/storm_contenders.h"

namespace dmaheap::bench {

struct Attempt {
  bool success = false;
  // Until the buffer was there, or the contender gave up: its own clock, in its own process.
  double ms = 0;
  // Why it gave up.
  std::string error;
};

class ContenderProcess {
 public:
  // Forks, without exec: before this process has another thread.
  static absl::StatusOr<std::unique_ptr<ContenderProcess>> Start(const ContenderKind& kind);
  // Kills it.
  ~ContenderProcess();
  ContenderProcess(const ContenderProcess&) = delete;
  ContenderProcess& operator=(const ContenderProcess&) = delete;

  const std::string& name() const { return name_; }

  // Has it begin an attempt, and returns at once.
  absl::Status Begin();
  // What came of it; absent if it is not over after so long. An error: the process ended.
  absl::StatusOr<absl::optional<Attempt>> WaitFor(absl::Duration time);

 private:
  ContenderProcess(std::string name, pid_t pid, UniqueFd socket)
      : name_(std::move(name)), pid_(pid), socket_(std::move(socket)) {}

  const std::string name_;
  const pid_t pid_;
  const UniqueFd socket_;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_CONTENDER_PROCESS_H_

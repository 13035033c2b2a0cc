// How many lines of one kind may be written: a burst that a person would read, then one a second,
// so that a client in a loop does not fill the log's disk. Counts what is left out.
//
//   if (!budget.Take()) return;
//   spdlog::warn("event=... suppressed={}", budget.TakeSuppressed());
//
// Inside tasks of the executor only.

#ifndef DAEMON_TELEMETRY_LOG_BUDGET_H_
#define DAEMON_TELEMETRY_LOG_BUDGET_H_

#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class LogBudget {
 public:
  explicit LogBudget(const Executor& executor) : executor_(executor) {}

  // Whether a line may be written now; if not, it counts as left out.
  bool Take();

  // Lines left out since the last that was written.
  int64_t suppressed() const { return suppressed_; }
  // For the line that is written: counts anew.
  int64_t TakeSuppressed() { return std::exchange(suppressed_, 0); }

 private:
  const Executor& executor_;
  double budget_ = kBurst;
  absl::Time refilled_ = absl::InfinitePast();
  int64_t suppressed_ = 0;

  static constexpr double kBurst = 20;
  static constexpr double kLinesPerSecond = 1;
};

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_LOG_BUDGET_H_

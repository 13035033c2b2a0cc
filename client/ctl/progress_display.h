// Shows on standard error how a request fares that waits.
//
// On a terminal, one line that is redrawn at each news and once a second, and gone when the display
// is. Elsewhere a line for each news, but at most one a second unless the obstacle changed. Nothing
// before the first news. Thread-safe.

#ifndef CLIENT_CTL_PROGRESS_DISPLAY_H_
#define CLIENT_CTL_PROGRESS_DISPLAY_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/dmaheap.h"

namespace dmaheap::ctl {

class ProgressDisplay {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;

  // columns: of the terminal behind err; 0: it is none.
  ProgressDisplay(std::ostream& err, size_t columns, Now now = Clock::now);
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  ~ProgressDisplay();

  void Show(const AllocationProgress& progress);

 private:
  // With the mutex held.
  void Draw();
  void PrintLine();
  void Tick();

  std::ostream& err_;
  const size_t columns_;
  const Now now_;

  std::mutex mutex_;
  std::condition_variable ends_;
  bool end_ = false;
  absl::optional<AllocationProgress> last_;
  Clock::time_point told_;
  // On a terminal: how much of the line is written on. Elsewhere: what was printed last, and when.
  size_t drawn_ = 0;
  absl::optional<Obstacle> printed_;
  Clock::time_point printed_at_;
  std::thread ticker_;
};

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_PROGRESS_DISPLAY_H_

// What SIGINT and SIGTERM do to this process: end it, unless something is under way that wants to
// end in order.
//
// Create() before any other thread begins: it blocks the two signals in the calling thread, whose
// later threads inherit that, and reads them on a thread of its own until destroyed. A signal that
// the process was started to ignore (nohup, a job in the background of a script) stays ignored.
// Thread-safe.

#ifndef CLIENT_CTL_INTERRUPT_H_
#define CLIENT_CTL_INTERRUPT_H_

#include <signal.h>

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap::ctl {

class Interrupt {
 public:
  struct Signal {
    int number = 0;
    // The terminal sent it: to every process of the job, so also to our child.
    bool from_terminal = false;
  };
  // False: end the process now, with the exit code 128 and the number of the signal. Must not
  // block.
  using Action = std::function<bool(const Signal& signal)>;

  static absl::StatusOr<std::unique_ptr<Interrupt>> Create();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  // Lets action decide for as long as it lives. One at a time.
  class Scope {
   public:
    Scope(Interrupt& interrupt, Action action);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    // Waits for an action that runs.
    ~Scope();

   private:
    Interrupt& interrupt_;
  };

  // An action: the first SIGINT calls cancel and lets the work end in order; a second one, and
  // SIGTERM, end the process.
  static Action CancelOnce(std::function<void()> cancel);

  // The signal mask that the process was started with, for its children.
  const sigset_t& first_mask() const { return first_mask_; }

 private:
  Interrupt(UniqueFd signals, UniqueFd stop, const sigset_t& first_mask);
  void Watch();

  const UniqueFd signals_;
  const UniqueFd stop_;
  const sigset_t first_mask_;
  std::mutex mutex_;
  Action action_;
  std::thread watcher_;
};

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_INTERRUPT_H_

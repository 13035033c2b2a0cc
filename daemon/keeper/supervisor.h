// The life of the two children: started, heard, restarted, stopped.
//
// One ppoll loop over signals, notifications and barriers, with the deadlines of restarts, stops,
// the watchdog and thaws. Its decisions about restarts are RestartPolicy's, what it keeps is
// FdStore's, what it freezes BarrierKeeper's.

#ifndef DAEMON_KEEPER_SUPERVISOR_H_
#define DAEMON_KEEPER_SUPERVISOR_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/handover/barrier_cpu.h"
#include "daemon/keeper/barrier_keeper.h"
#include "daemon/keeper/child.h"
#include "daemon/keeper/fd_store.h"
#include "daemon/keeper/notify_server.h"
#include "daemon/keeper/resources.h"
#include "daemon/keeper/restart_policy.h"
#include "daemon/keeper/signals.h"
#include "daemon/options.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class Supervisor {
 public:
  // words is the command line, which the children get too.
  Supervisor(const Options& options, std::vector<std::string> words, SignalFd signals,
             std::unique_ptr<Resources> resources, FdStoreLimits store_limits);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts the children and returns when both are gone for good: the exit code, as RunKeeper says.
  int Run();

 private:
  // One of the two children, through all its lives.
  struct Child {
    const char* name;
    // 0 while it does not run.
    pid_t pid = 0;
    RestartPolicy policy = RestartPolicy();
    absl::Time start_at = absl::InfiniteFuture();
    // When the next, harder signal is due.
    absl::Time kill_at = absl::InfiniteFuture();

    bool running() const { return pid > 0; }
  };

  enum class Phase { kServing, kStoppingBroker, kStoppingProber, kDone };

  // Waits for something to do; false where that fails.
  bool Wait(bool& signals_came, bool& notifications_came);
  // Of the daemon's processes, and of who started it.
  std::vector<pid_t> OwnPids() const;
  void StartDue(absl::Time now);
  void Start(Child& child, const ChildSpec& spec, absl::Time now);
  ChildSpec BrokerSpec() const;
  ChildSpec ProberSpec() const;
  void TakeSignals();
  void TakeNotifications(int limit);
  void OnNotification(Notification notification);
  void OnReady();
  void Reap();
  void OnExit(Child& child, int wait_status, absl::Time now);
  void BeginStop(int exit_code);
  void AdvanceStop();
  void KillDue(absl::Time now);
  absl::Time NextDeadline() const;
  void Signal(const Child& child, int number) const;
  void ForwardHangup();
  // Tells the service manager, if there is one.
  void TellManager(const std::string& text) const;

  const Options options_;
  const std::vector<std::string> words_;
  SignalFd signals_;
  std::unique_ptr<Resources> resources_;
  FdStore store_;
  // While a barrier stands.
  absl::optional<BarrierCpu> cpu_;
  BarrierKeeper barrier_;
  UniqueFd ready_fd_;
  // Zero: none.
  const absl::Duration watchdog_;

  Phase phase_ = Phase::kServing;
  int exit_code_ = 0;
  Child broker_{.name = "broker"};
  Child prober_{.name = "prober"};
  // Of the broker that runs now.
  bool broker_ready_ = false;
  // Of any broker.
  bool ever_served_ = false;
  bool hangup_pending_ = false;
  // When the broker is taken for stuck, unless it says something before.
  absl::Time silent_until_ = absl::InfiniteFuture();
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_SUPERVISOR_H_

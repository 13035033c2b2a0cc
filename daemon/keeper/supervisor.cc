#include "daemon/keeper/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "daemon/keeper/process_limits.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// How long the broker has to end its calls after SIGTERM, before SIGKILL. systemd waits 90 s.
constexpr absl::Duration kBrokerStopTime = absl::Seconds(5);
// The prober has nothing to end.
constexpr absl::Duration kProberStopTime = absl::Seconds(1);
// How long a broker may take from its start to READY=1: rebuilding a ledger takes milliseconds.
// Also how long one has to die of SIGABRT (it may be writing a core).
constexpr absl::Duration kBrokerStartTime = absl::Seconds(30);
constexpr absl::Duration kAbortTime = absl::Seconds(5);
// Notifications taken in one turn of the loop, so that signals are seen between them.
constexpr int kNotificationsPerTurn = 64;
// More than the kernel queues on one socket (net.unix.max_dgram_qlen, 512 under systemd).
constexpr int kNotificationsOfTheDead = 1024;
// A broker that left with 0 before it ever served.
constexpr int kExitNeverServed = 1;

// Nobody can set it, and it stands still while the machine is suspended.
absl::Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

// As a shell shows how a process ended.
int ExitCode(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

absl::Duration WatchdogOf(const Options& options) {
  uint64_t manager_usec = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/1, &manager_usec) <= 0) return options.watchdog;
  // The service manager wants to hear from us as often as we from the broker.
  const absl::Duration manager = absl::Microseconds(static_cast<int64_t>(manager_usec));
  return options.watchdog > absl::ZeroDuration() ? std::min(options.watchdog, manager) : manager;
}

}  // namespace

Supervisor::Supervisor(const Options& options, std::vector<std::string> words, SignalFd signals,
                       std::unique_ptr<Resources> resources, FdStoreLimits store_limits)
    : options_(options),
      words_(std::move(words)),
      signals_(std::move(signals)),
      resources_(std::move(resources)),
      store_(store_limits),
      barrier_({.cgroups = options.barrier_cgroups,
                .socket_dir = options.socket_dir,
                .broker_socket = resources_->keeper_end_to_broker(),
                .prober_socket = resources_->keeper_end_to_prober(),
                .clock = Now,
                // On a machine with seven busy processes a processor an ordinary keeper thawed
                // 40 ms late. Only inside a barrier: what a broker sends at other times must not
                // come before everybody's work.
                .hurry =
                    [this](bool on) {
                      SetRealTime(on).IgnoreError();
                      cpu_.reset();
                      if (on) cpu_.emplace(BarrierCpu::Part::kLast);
                    }}),
      ready_fd_(options.ready_fd),
      watchdog_(WatchdogOf(options)) {}

int Supervisor::Run() {
  barrier_.TakeUp();
  const absl::Time now = Now();
  if (options_.prober) prober_.start_at = now;
  broker_.start_at = now;
  while (phase_ != Phase::kDone) {
    if (!barrier_.HoldsStill()) StartDue(Now());
    const bool was_still = barrier_.HoldsStill();
    bool signals_came = false;
    bool notifications_came = false;
    if (!Wait(signals_came, notifications_came)) {
      // The children die with us; first of all, what is frozen is thawed.
      barrier_.Stop();
      spdlog::error("event=poll_failed {}", LogStatus(ErrnoStatus(errno, "ppoll")));
      return 1;
    }
    // Perhaps a child died, and what follows may take its time.
    if (signals_came) barrier_.Release();
    barrier_.Turn(OwnPids());
    // While something stands still, nothing is done that could wait for it: each line of the log,
    // each fork. It lasts for a box at most.
    if (barrier_.HoldsStill()) continue;
    if (notifications_came) TakeNotifications(kNotificationsPerTurn);
    if (signals_came) TakeSignals();
    // What the broker said meanwhile is heard before it is taken for stuck.
    if (!was_still) KillDue(Now());
  }
  barrier_.Stop();
  return exit_code_;
}

bool Supervisor::Wait(bool& signals_came, bool& notifications_came) {
  const bool still = barrier_.HoldsStill();
  std::vector<pollfd> fds = {
      {.fd = signals_.fd(), .events = POLLIN, .revents = 0},
      {.fd = still ? -1 : resources_->notify().fd(), .events = POLLIN, .revents = 0}};
  barrier_.AddPolls(fds);
  const absl::Time deadline = still ? barrier_.deadline() : NextDeadline();
  timespec timeout = absl::ToTimespec(std::max(deadline - Now(), absl::ZeroDuration()));
  const bool forever = deadline == absl::InfiniteFuture();
  const int ready = ppoll(fds.data(), fds.size(), forever ? nullptr : &timeout, nullptr);
  if (ready < 0 && errno != EINTR) return false;
  signals_came = ready > 0 && fds[0].revents != 0;
  notifications_came = ready > 0 && fds[1].revents != 0;
  return true;
}

std::vector<pid_t> Supervisor::OwnPids() const {
  std::vector<pid_t> pids;
  for (const pid_t pid : {getpid(), broker_.pid, prober_.pid, getppid()}) {
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

ChildSpec Supervisor::BrokerSpec() const {
  ChildSpec spec;
  spec.argv = words_;
  spec.argv.emplace_back("--role=broker");
  for (const auto& [name, fd] : resources_->sockets()) spec.fds.push_back({name, fd.get()});
  for (const HeapNode& heap : resources_->heaps()) {
    spec.fds.push_back({absl::StrCat("heap.", heap.name), heap.fd.get()});
  }
  for (const HeapNode& card : resources_->drm_cards()) {
    spec.fds.push_back({absl::StrCat("drm.", card.name), card.fd.get()});
  }
  if (resources_->udmabuf() >= 0) spec.fds.push_back({"udmabuf", resources_->udmabuf()});
  for (const auto& [place, folder] : resources_->filesystems()) {
    spec.fds.push_back({absl::StrCat("sync.", place), folder.get()});
  }
  if (options_.prober) spec.fds.push_back({"prober", resources_->broker_end()});
  if (const int end = resources_->broker_end_to_keeper(); end >= 0) {
    spec.fds.push_back({"barrier", end});
  }
  for (const FdStore::Entry& entry : store_.entries()) {
    spec.fds.push_back({entry.name, entry.fd.get()});
  }
  spec.environment.emplace_back("NOTIFY_SOCKET", resources_->notify_path());
  if (watchdog_ > absl::ZeroDuration()) {
    spec.environment.emplace_back("WATCHDOG_USEC",
                                  absl::StrCat(absl::ToInt64Microseconds(watchdog_)));
  }
  // Who started the daemon may inspect and change it, under the built-in policy.
  spec.environment.emplace_back(std::string(kOperatorUidVariable), absl::StrCat(getuid()));
  spec.account = resources_->account();
  spec.oom_score = kServingOomScore;
  spec.writable_folder = options_.state_dir;
  return spec;
}

ChildSpec Supervisor::ProberSpec() const {
  ChildSpec spec;
  spec.argv = words_;
  spec.argv.emplace_back("--role=prober");
  spec.fds.push_back({"broker", resources_->prober_end()});
  if (!options_.barrier_cgroups.empty()) {
    spec.fds.push_back({"keeper", resources_->prober_end_to_keeper()});
  }
  if (const TraceInstance* trace = resources_->trace(); trace != nullptr) {
    spec.fds.push_back({"trace.pipe", trace->pipe()});
    if (trace->filter() >= 0) spec.fds.push_back({"trace.filter", trace->filter()});
    if (trace->enable() >= 0) spec.fds.push_back({"trace.enable", trace->enable()});
  }
  spec.account = resources_->account();
  spec.capabilities.assign(std::begin(kProberCapabilities), std::end(kProberCapabilities));
  spec.oom_score = kProberOomScore;
  return spec;
}

void Supervisor::StartDue(absl::Time now) {
  if (phase_ != Phase::kServing) return;
  if (prober_.start_at <= now) Start(prober_, ProberSpec(), now);
  if (broker_.start_at <= now) {
    broker_ready_ = false;
    Start(broker_, BrokerSpec(), now);
    if (broker_.running() && watchdog_ > absl::ZeroDuration()) {
      silent_until_ = now + kBrokerStartTime;
    }
  }
}

void Supervisor::Start(Child& child, const ChildSpec& spec, absl::Time now) {
  child.start_at = absl::InfiniteFuture();
  child.kill_at = absl::InfiniteFuture();
  child.policy.OnStart(now);
  // A child would inherit it.
  cpu_.reset();
  const absl::StatusOr<pid_t> pid = SpawnChild(spec);
  if (!pid.ok()) {
    spdlog::error("event=child_not_started child={} {}", child.name, LogStatus(pid.status()));
    // The machine is short of something; it says nothing about the child.
    child.start_at = now + RestartLimits().longest_delay_served;
    return;
  }
  child.pid = *pid;
  // The prober says nothing when it is ready, and has no start that could fail for good.
  if (&child == &prober_) child.policy.OnReady();
  spdlog::info("event=child_started child={} pid={} fds={}", child.name, child.pid,
               spec.fds.size());
}

void Supervisor::TakeSignals() {
  while (const int number = signals_.Next()) {
    if (number == SIGCHLD) Reap();
    if (number == SIGHUP) ForwardHangup();
    if (number == SIGTERM || number == SIGINT) {
      if (phase_ != Phase::kServing) continue;
      spdlog::info("event=stopping signal={}", number == SIGTERM ? "TERM" : "INT");
      BeginStop(0);
    }
  }
}

void Supervisor::ForwardHangup() {
  // A broker that is still starting may have read the old policy, and may not yet know the signal.
  hangup_pending_ = !broker_ready_;
  if (broker_ready_) Signal(broker_, SIGHUP);
}

void Supervisor::TakeNotifications(int limit) {
  for (int i = 0; i < limit; ++i) {
    absl::StatusOr<absl::optional<Notification>> received =
        resources_->notify().Receive(broker_.pid);
    if (!received.ok()) {
      spdlog::warn("event=notification_dropped {}", LogStatus(received.status()));
      continue;
    }
    if (!received->has_value()) return;
    OnNotification(*std::move(*received));
  }
}

void Supervisor::OnNotification(Notification notification) {
  const NotifyMessage& message = notification.message;
  if (message.fd_store) {
    const size_t count = notification.fds.size();
    const absl::Status stored = store_.Add(message.fd_name, std::move(notification.fds));
    if (!stored.ok()) {
      spdlog::error("event=fds_not_kept name={} fds={} {}", LogValue(message.fd_name), count,
                    LogStatus(stored));
    }
  }
  if (message.fd_store_remove) store_.Remove(message.fd_name);
  if (message.watchdog) {
    // A broker that was told to die gets no more time by talking.
    if (broker_ready_ && broker_.kill_at == absl::InfiniteFuture() &&
        watchdog_ > absl::ZeroDuration()) {
      silent_until_ = Now() + watchdog_;
    }
    TellManager("WATCHDOG=1");
  }
  if (message.status.has_value()) TellManager(absl::StrCat("STATUS=", *message.status));
  // STOPPING=1 is not handed on: BeginStop has told the manager, and a broker that stops alone is
  // started again.
  if (message.ready) OnReady();
}

void Supervisor::OnReady() {
  if (broker_ready_ || phase_ != Phase::kServing) return;
  broker_ready_ = ever_served_ = true;
  broker_.policy.OnReady();
  silent_until_ = watchdog_ > absl::ZeroDuration() ? Now() + watchdog_ : absl::InfiniteFuture();
  spdlog::info("event=serving broker={}", broker_.pid);
  if (ready_fd_.valid()) {
    constexpr absl::string_view kText = "READY\n";
    if (write(ready_fd_.get(), kText.data(), kText.size()) != static_cast<ssize_t>(kText.size())) {
      spdlog::warn("event=ready_fd_not_written {}", LogStatus(ErrnoStatus(errno, "write")));
    }
    ready_fd_.Reset();
  }
  TellManager("READY=1");
  if (std::exchange(hangup_pending_, false)) Signal(broker_, SIGHUP);
}

void Supervisor::Reap() {
  int wait_status = 0;
  while (true) {
    // First look without taking it away: while it is a zombie no other process can have its pid.
    siginfo_t info = {};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    // What a broker said before it died counts; SO_PASSCRED keeps it apart from its successor's.
    if (info.si_pid == broker_.pid) TakeNotifications(kNotificationsOfTheDead);
    const pid_t pid = waitpid(info.si_pid, &wait_status, 0);
    if (pid <= 0) return;
    if (pid == broker_.pid) {
      OnExit(broker_, wait_status, Now());
    } else if (pid == prober_.pid) {
      OnExit(prober_, wait_status, Now());
    }
    // Others are orphans that came to us because we are pid 1 of a container.
  }
}

void Supervisor::OnExit(Child& child, int wait_status, absl::Time now) {
  const bool is_broker = &child == &broker_;
  spdlog::log(phase_ == Phase::kServing ? spdlog::level::warn : spdlog::level::info,
              "event=child_exited child={} pid={} {}={}", child.name, child.pid,
              WIFSIGNALED(wait_status) ? "signal" : "code",
              WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
  child.pid = 0;
  child.kill_at = absl::InfiniteFuture();
  if (is_broker) {
    broker_ready_ = false;
    silent_until_ = absl::InfiniteFuture();
    barrier_.ForgetBroker();
  }
  if (phase_ != Phase::kServing) {
    AdvanceStop();
    return;
  }
  const absl::optional<absl::Duration> delay = child.policy.OnExit(now);
  const int code = ExitCode(wait_status);
  if (!delay.has_value() || (is_broker && !ever_served_ && code == kExitConfig)) {
    spdlog::error("event=start_failed child={} code={} note=\"its own log lines say why\"",
                  child.name, code);
    // A broker that leaves with 0 before it served has not done what we are asked for either.
    BeginStop(code != 0 ? code : kExitNeverServed);
    return;
  }
  child.start_at = now + *delay;
}

void Supervisor::BeginStop(int exit_code) {
  barrier_.Stop();
  phase_ = Phase::kStoppingBroker;
  exit_code_ = exit_code;
  broker_.start_at = prober_.start_at = absl::InfiniteFuture();
  silent_until_ = absl::InfiniteFuture();
  TellManager("STOPPING=1");
  if (broker_.running()) {
    Signal(broker_, SIGTERM);
    broker_.kill_at = Now() + kBrokerStopTime;
  }
  AdvanceStop();
}

void Supervisor::AdvanceStop() {
  if (phase_ == Phase::kStoppingBroker && !broker_.running()) {
    phase_ = Phase::kStoppingProber;
    if (prober_.running()) {
      Signal(prober_, SIGTERM);
      prober_.kill_at = Now() + kProberStopTime;
    }
  }
  if (phase_ == Phase::kStoppingProber && !prober_.running()) phase_ = Phase::kDone;
}

void Supervisor::KillDue(absl::Time now) {
  if (broker_.running() && silent_until_ <= now) {
    spdlog::error("event=broker_stuck pid={} note=\"silent for too long; sending SIGABRT\"",
                  broker_.pid);
    silent_until_ = absl::InfiniteFuture();
    Signal(broker_, SIGABRT);
    broker_.kill_at = now + kAbortTime;
  }
  for (Child* child : {&broker_, &prober_}) {
    if (!child->running() || child->kill_at > now) continue;
    spdlog::warn("event=child_killed child={} pid={} note=\"it did not leave in time\"",
                 child->name, child->pid);
    Signal(*child, SIGKILL);
    child->kill_at = absl::InfiniteFuture();
  }
}

absl::Time Supervisor::NextDeadline() const {
  absl::Time next = std::min(silent_until_, barrier_.deadline());
  for (const Child* child : {&broker_, &prober_}) {
    next = std::min({next, child->start_at, child->kill_at});
  }
  return next;
}

void Supervisor::Signal(const Child& child, int number) const {
  // Until we reap it the pid is its own.
  if (kill(child.pid, number) != 0) {
    spdlog::error("event=signal_failed child={} pid={} signal={} {}", child.name, child.pid, number,
                  LogStatus(ErrnoStatus(errno, "kill")));
  }
}

void Supervisor::TellManager(const std::string& text) const {
  sd_notify(/*unset_environment=*/0, text.c_str());
}

}  // namespace dmaheap

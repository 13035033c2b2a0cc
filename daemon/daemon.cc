#include "daemon/daemon.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daemon/config/policy_file.h"
#include "daemon/core/allocator.h"
#include "daemon/core/area_inspector.h"
#include "daemon/core/live_view.h"
#include "daemon/core/page_watch.h"
#include "daemon/diagnosis/link/prober_area_inspector.h"
#include "daemon/diagnosis/link/prober_lister.h"
#include "daemon/diagnosis/link/prober_page_watch.h"
#include "daemon/diagnosis/link/prober_sources.h"
#include "daemon/diagnosis/prober/prober_client.h"
#include "daemon/handover/barrier_link.h"
#include "daemon/handover/inheritance.h"
#include "daemon/handover/journal_file.h"
#include "daemon/handover/keeper_link.h"
#include "daemon/handover/syncfs_threads.h"
#include "daemon/heap_setup.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "daemon/loop/event_loop.h"
#include "daemon/telemetry/event_log.h"
#include "daemon/transport/acceptor.h"
#include "daemon/transport/admin_service.h"
#include "daemon/transport/allocator_service.h"
#include "daemon/transport/identity_table.h"
#include "daemon/transport/rpc_connections.h"
#include "daemon/transport/rpc_server.h"
#include "daemon/transport/session_table.h"
#include "heaps/dma_buf_watch.h"
#include "heaps/linux_kernel.h"
#include "heaps/memfd_watch.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// Calls that are being answered when the daemon stops get this long; longer than any answer takes.
constexpr std::chrono::milliseconds kShutdownGrace{500};

uint32_t OperatorUid() {
  const char* text = getenv(std::string(kOperatorUidVariable).c_str());
  uint32_t uid;
  return text != nullptr && absl::SimpleAtoi(text, &uid) ? uid : getuid();
}

absl::StatusOr<EffectivePolicy> LoadPolicy(const Options& options) {
  if (options.policy_file.empty()) return BuiltinPolicy(OperatorUid());
  return ReadPolicyFile(options.policy_file);
}

// Everything that a broker consists of, in the order in which it is built.
class Broker {
 public:
  explicit Broker(const Options& options) : options_(options) {}

  absl::Status Start() {
    const char* notify = getenv("NOTIFY_SOCKET");
    if (absl::Status status = Take(KeeperLink::Create(notify != nullptr ? notify : ""), keeper_);
        !status.ok()) {
      return status;
    }
    absl::StatusOr<Inheritance> inheritance = TakeInheritance();
    if (!inheritance.ok()) return inheritance.status();
    absl::StatusOr<EffectivePolicy> policy = LoadPolicy(options_);
    if (!policy.ok()) return policy.status();
    if (absl::Status status = Take(EventLoop::Create(), loop_); !status.ok()) return status;
    if (absl::Status status = WatchSignals(); !status.ok()) return status;
    if (absl::Status status =
            Take(SetUpHeaps({.kernel = &kernel_,
                             .nodes = std::move(inheritance->heap_nodes),
                             .kernel_heaps = LookForKernelHeaps(options_.heap_dir),
                             .drm_cards = std::move(inheritance->drm_cards),
                             .udmabuf = std::move(inheritance->udmabuf),
                             .simulate = options_.simulate},
                            *policy),
                 heaps_);
        !status.ok()) {
      return status;
    }
    Inventory left;
    if (absl::Status status = StartLiveView(*inheritance, left); !status.ok()) return status;
    if (absl::Status status = StartProber(*inheritance); !status.ok()) return status;
    if (absl::Status status = StartBarrier(*inheritance); !status.ok()) return status;
    StartSyncs(*inheritance);
    OpenJournal(left);
    WarnOfRemedies(*policy);
    allocator_ = std::make_unique<Allocator>(
        Allocator::Dependencies{
            .executor = *loop_,
            .heaps = *heaps_,
            .live_view = *live_view_,
            .fd_store = *keeper_,
            .journal = *journal_,
            .lister = *lister_,
            .events = event_log_.emplace(*loop_),
            .make_worker =
                [](int threads, const std::string& name) {
                  return std::make_unique<ThreadWorker>(threads, name);
                },
            .random = [this] { return std::uniform_real_distribution<double>()(random_); },
            .barrier = *barrier_,
            .pages = *pages_,
            .areas = *areas_,
            .sources = sources_->errors(),
            .barrier_cgroups = options_.barrier_cgroups,
            .filesystems = *filesystems_,
            .ask_client =
                [this](uint64_t client, const v1::GiveBack& question) {
                  return sessions_->AskGiveBack(client, question);
                }},
        std::make_shared<const EffectivePolicy>(*std::move(policy)));
    left.held = std::move(inheritance->held_buffers);
    TakeUp(std::move(left));
    // Every end of a memfd is an event, and every refusal asks before it believes the books.
    if (absl::Status status = Watch(live_view_->event_fd(), EventLoop::Pace::kRested,
                                    [this] { allocator_->OnSignal(); });
        !status.ok()) {
      return status;
    }
    if (absl::Status status = StartServing(*inheritance); !status.ok()) return status;
    StartWatchdog();
    return keeper_->Notify("READY=1\nSTATUS=serving");
  }

  void Run() {
    for (const Heap* heap : heaps_->heaps()) {
      const HeapDescription& description = heap->description();
      spdlog::info("event=heap name={} kind={} contiguity={}", LogValue(description.name),
                   v1::HeapKind_Name(description.kind),
                   v1::Contiguity_Name(description.contiguity));
    }
    for (const VirtualHeapName& heap : heaps_->virtual_heaps()) {
      spdlog::info("event=heap name={} kind={} backing_heap={}", LogValue(heap.name),
                   v1::HeapKind_Name(v1::VIRTUAL), LogValue(heap.heap->description().name));
    }
    if (heaps_->heaps().empty()) {
      spdlog::warn(
          "event=no_heaps remedy=\"this kernel offers none that could be opened; --simulate makes "
          "one of ordinary memory\"");
    }
    loop_->Run();
  }

  // After Run: nobody is served any more.
  void Finish() {
    rpc_server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    admin_server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    // Its tasks are the allocator's, which goes first.
    filesystems_->Stop();
    spdlog::info("event=stopped");
  }

 private:
  template <typename T>
  static absl::Status Take(absl::StatusOr<T> made, T& place) {
    if (!made.ok()) return made.status();
    place = *std::move(made);
    return absl::OkStatus();
  }

  absl::Status Watch(int fd, EventLoop::Pace pace, absl::AnyInvocable<void()> on_readable) {
    return loop_
        ->Watch(
            fd, EPOLLIN,
            [on_readable = std::move(on_readable)](uint32_t) mutable { on_readable(); }, pace)
        .status();
  }

  absl::Status WatchSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    signals_ = UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_.valid()) return ErrnoStatus(errno, "signalfd");
    return Watch(signals_.get(), EventLoop::Pace::kAtOnce, [this] { OnSignal(); });
  }

  // Fills in what the watches say is alive.
  absl::Status StartLiveView(Inheritance& inheritance, Inventory& left) {
    left.dma_buf_watch_lost = !inheritance.dma_buf_watch.valid();
    left.memfd_watch_lost = !inheritance.memfd_watch.valid();
    std::unique_ptr<BufferWatch> dma_bufs, memfds;
    if (absl::Status status =
            Take(CreateDmaBufWatch(std::move(inheritance.dma_buf_watch)), dma_bufs);
        !status.ok()) {
      return status;
    }
    if (absl::Status status = Take(CreateMemfdWatch(std::move(inheritance.memfd_watch)), memfds);
        !status.ok()) {
      return status;
    }
    if (absl::Status status = keeper_->Store(kDmaBufWatchName, dma_bufs->set_fd()); !status.ok()) {
      return status;
    }
    if (absl::Status status = keeper_->Store(kMemfdWatchName, memfds->set_fd()); !status.ok()) {
      return status;
    }
    live_view_ = std::make_unique<KernelLiveView>(std::move(dma_bufs), std::move(memfds));
    for (const BufferKey& key : live_view_->Watched()) left.alive.insert(key);
    return absl::OkStatus();
  }

  absl::Status StartProber(Inheritance& inheritance) {
    if (inheritance.prober.valid()) {
      if (absl::Status status = Take(ProberClient::Create(std::move(inheritance.prober)), prober_);
          !status.ok()) {
        return status;
      }
      // Its end is the keeper's end, of which this process hears by a signal.
      if (absl::Status status = Watch(prober_->fd(), EventLoop::Pace::kAtOnce,
                                      [this] { prober_->OnReadable().IgnoreError(); });
          !status.ok()) {
        return status;
      }
    }
    lister_ = std::make_unique<ProberLister>(*loop_, prober_.get());
    sources_ = std::make_unique<ProberSources>(*loop_, prober_.get());
    loop_->Post([this] { sources_->Ask(); });
    if (prober_ != nullptr) {
      pages_ = std::make_unique<ProberPageWatch>(*loop_, *prober_);
      areas_ = std::make_unique<ProberAreaInspector>(*loop_, *prober_);
    } else {
      pages_ = std::make_unique<NoPageWatch>();
      areas_ = std::make_unique<NoAreaInspector>();
    }
    return absl::OkStatus();
  }

  absl::Status StartBarrier(Inheritance& inheritance) {
    if (absl::Status status =
            Take(BarrierLink::Create(*loop_, std::move(inheritance.barrier),
                                     static_cast<int>(options_.barrier_cgroups.size()),
                                     [this] { return ClientPids(); }),
                 barrier_);
        !status.ok()) {
      return status;
    }
    if (barrier_->fd() < 0) return absl::OkStatus();
    return Watch(barrier_->fd(), EventLoop::Pace::kAtOnce,
                 [this] { barrier_->OnReadable().IgnoreError(); });
  }

  // Those that the keeper could not open are in its log, and stay out.
  void StartSyncs(Inheritance& inheritance) {
    std::vector<SyncfsThreads::Filesystem> filesystems;
    for (auto& [place, folder] : inheritance.filesystems) {
      if (place >= options_.sync_filesystems.size()) continue;
      filesystems.push_back({options_.sync_filesystems[place], std::move(folder)});
    }
    filesystems_ = std::make_unique<SyncfsThreads>(*loop_, std::move(filesystems));
  }

  // Of those who have a session: the process that connected, whoever else may hold its socket now.
  std::vector<pid_t> ClientPids() const {
    std::vector<pid_t> pids;
    for (const auto& [id, session] : sessions_->sessions()) {
      pids.push_back(session->peer().debug_pid);
    }
    return pids;
  }

  // Without a journal allocations go on: a camera matters more than the books after a crash.
  void OpenJournal(Inventory& left) {
    absl::StatusOr<std::unique_ptr<JournalFile>> journal =
        JournalFile::Open(absl::StrCat(options_.state_dir, "/journal"), ReadBootId());
    if (!journal.ok()) {
      spdlog::error(
          "event=no_journal {} note=\"after a restart, buffers that clients have are not "
          "charged any more\"",
          LogStatus(journal.status()));
      journal_ = std::make_unique<NoJournal>();
      return;
    }
    left.entries = (*journal)->TakeEntries();
    left.reservations = (*journal)->TakeReservations();
    journal_ = *std::move(journal);
  }

  void TakeUp(Inventory left) {
    loop_->Post([this, left = std::move(left)]() mutable {
      const RestoreReport report = allocator_->Restore(std::move(left));
      if (report.restored + report.gone + report.unaccounted + report.reservations == 0) return;
      spdlog::info(
          "event=ledger_restored buffers={} held={} reservations={} ready={} gone={} unwatched={} "
          "unaccounted={}",
          report.restored, report.held, report.reservations, report.ready, report.gone,
          report.unwatched.size(), report.unaccounted);
    });
  }

  absl::Status StartServing(Inheritance& inheritance) {
    sessions_ = std::make_unique<SessionTable>(
        *loop_, SessionTable::Callbacks{
                    .on_gone = [this](uint64_t client) { allocator_->OnClientGone(client); },
                    .on_release_hint = [this] { allocator_->OnReleaseHint(); }});
    allocator_service_ =
        std::make_unique<AllocatorService>(*loop_, identities_, *sessions_, *allocator_);
    admin_service_ =
        std::make_unique<AdminService>(*loop_, identities_, *sessions_, *allocator_, policy_worker_,
                                       options_.policy_file, [this] { return Reload(); });
    if (absl::Status status =
            Take(StartRpcServer({allocator_service_.get()}, kMaxRequestBytes), rpc_server_);
        !status.ok()) {
      return status;
    }
    if (absl::Status status =
            Take(StartRpcServer({admin_service_.get()}, kMaxAdminRequestBytes), admin_server_);
        !status.ok()) {
      return status;
    }
    rpc_connections_ = std::make_unique<RpcConnections>(*loop_, identities_, *rpc_server_);
    admin_connections_ = std::make_unique<RpcConnections>(*loop_, identities_, *admin_server_);
    if (absl::Status status = Take(Acceptor::Create(*loop_, std::move(inheritance.fd_listener),
                                                    [this](UniqueFd connection, PeerIdentity peer) {
                                                      sessions_->Add(std::move(connection),
                                                                     std::move(peer));
                                                    }),
                                   fd_acceptor_);
        !status.ok()) {
      return status;
    }
    if (absl::Status status = Take(Acceptor::Create(*loop_, std::move(inheritance.admin_listener),
                                                    [this](UniqueFd connection, PeerIdentity peer) {
                                                      admin_connections_->Add(std::move(connection),
                                                                              std::move(peer));
                                                    }),
                                   admin_acceptor_);
        !status.ok()) {
      return status;
    }
    return Take(Acceptor::Create(*loop_, std::move(inheritance.rpc_listener),
                                 [this](UniqueFd connection, PeerIdentity peer) {
                                   rpc_connections_->Add(std::move(connection), std::move(peer));
                                 }),
                rpc_acceptor_);
  }

  // Says that the executor still runs tasks, twice in the time the keeper gives it.
  void StartWatchdog() {
    uint64_t microseconds = 0;
    if (sd_watchdog_enabled(/*unset_environment=*/0, &microseconds) > 0) {
      Feed(absl::Microseconds(microseconds) / 2);
    }
  }
  void Feed(absl::Duration interval) {
    keeper_->Notify("WATCHDOG=1").IgnoreError();
    loop_->After(interval, [this, interval] { Feed(interval); });
  }

  absl::Status Reload() {
    absl::StatusOr<EffectivePolicy> policy = LoadPolicy(options_);
    if (!policy.ok()) {
      spdlog::error("event=policy_kept path={} {}", LogValue(options_.policy_file),
                    LogStatus(policy.status()));
      return policy.status();
    }
    if (policy->simulated_heaps() != allocator_->policy().simulated_heaps() ||
        policy->heap_aliases() != allocator_->policy().heap_aliases() ||
        !SameHeaps(policy->virtual_heaps(), allocator_->policy().virtual_heaps())) {
      spdlog::warn(
          "event=heaps_kept remedy=\"heaps, virtual heaps and aliases are made at the start; "
          "restart "
          "the daemon to change them\"");
    }
    WarnOfRemedies(*policy);
    allocator_->SetPolicy(std::make_shared<const EffectivePolicy>(*std::move(policy)));
    spdlog::info("event=policy_loaded path={}", LogValue(options_.policy_file));
    return absl::OkStatus();
  }

  // A remedy that can never be had is a mistake in one of two places; requests only wait longer.
  void WarnOfRemedies(const EffectivePolicy& policy) const {
    for (const RetryPolicy& retry : policy.retry_policies()) {
      WarnOfSync(retry);
      if (!retry.barrier.has_value()) continue;
      const std::string& cgroup = retry.barrier->cgroup;
      const auto& known = options_.barrier_cgroups;
      if (std::find(known.begin(), known.end(), cgroup) != known.end()) continue;
      spdlog::warn(
          "event=no_barrier retry_policy={} cgroup={} remedy=\"start the daemon with "
          "--barrier-cgroup={}, or change the policy\"",
          LogValue(retry.name), LogValue(cgroup), cgroup);
    }
  }

  // One that was named and could not be opened is in the log already.
  void WarnOfSync(const RetryPolicy& retry) const {
    if (!retry.sync.has_value()) return;
    const auto& known = options_.sync_filesystems;
    for (const std::string& mount_point : retry.sync->filesystems) {
      if (std::find(known.begin(), known.end(), mount_point) != known.end()) continue;
      spdlog::warn(
          "event=no_sync retry_policy={} filesystem={} remedy=\"start the daemon with "
          "--sync-filesystem={}, or change the policy\"",
          LogValue(retry.name), LogValue(mount_point), mount_point);
    }
  }

  void OnSignal() {
    signalfd_siginfo signal;
    while (read(signals_.get(), &signal, sizeof(signal)) == sizeof(signal)) {
      if (signal.ssi_signo == SIGHUP) {
        Reload().IgnoreError();
      } else {
        Stop();
      }
    }
  }

  // No new connection, no new request; what is under way ends with an answer; then Run returns.
  void Stop() {
    if (std::exchange(stopping_, true)) return;
    spdlog::info("event=stopping");
    keeper_->Notify("STOPPING=1").IgnoreError();
    rpc_acceptor_.reset();
    admin_acceptor_.reset();
    fd_acceptor_.reset();
    allocator_->Drain([this] {
      sessions_->EndAll(
          Error(ErrorReason::SHUTTING_DOWN, "the daemon is shutting down").ToStatus());
      loop_->Stop();
    });
  }

  const Options options_;
  LinuxKernel kernel_;
  std::unique_ptr<KeeperLink> keeper_;
  std::unique_ptr<EventLoop> loop_;
  UniqueFd signals_;
  std::mt19937_64 random_{std::random_device()()};
  std::unique_ptr<HeapRegistry> heaps_;
  std::unique_ptr<KernelLiveView> live_view_;
  std::unique_ptr<ProberClient> prober_;
  std::unique_ptr<ProberLister> lister_;
  std::unique_ptr<PageWatch> pages_;
  std::unique_ptr<AreaInspector> areas_;
  std::unique_ptr<ProberSources> sources_;
  std::unique_ptr<BarrierLink> barrier_;
  std::unique_ptr<SyncfsThreads> filesystems_;
  std::unique_ptr<Journal> journal_;
  absl::optional<EventLog> event_log_;
  std::unique_ptr<Allocator> allocator_;
  IdentityTable identities_;
  std::unique_ptr<SessionTable> sessions_;
  // Answers calls of the server, which waits for them when it ends.
  ThreadWorker policy_worker_{1, "policy-check"};
  std::unique_ptr<AllocatorService> allocator_service_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<grpc::Server> rpc_server_;
  std::unique_ptr<grpc::Server> admin_server_;
  std::unique_ptr<RpcConnections> rpc_connections_;
  std::unique_ptr<RpcConnections> admin_connections_;
  std::unique_ptr<Acceptor> fd_acceptor_;
  std::unique_ptr<Acceptor> admin_acceptor_;
  std::unique_ptr<Acceptor> rpc_acceptor_;
  bool stopping_ = false;
};

}  // namespace

int RunBroker(const Options& options) {
  // Blocked before the first thread, so that only the signalfd sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  // Distributions build Abseil so that each of gRPC's mutexes keeps a graph of lock orders, which
  // shows in a profile of the broker. A help for gRPC's makers, who run it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  Broker broker(options);
  if (absl::Status status = broker.Start(); !status.ok()) {
    spdlog::error("event=start_failed {}", LogStatus(status));
    return EXIT_FAILURE;
  }
  broker.Run();
  broker.Finish();
  return EXIT_SUCCESS;
}

}  // namespace dmaheap

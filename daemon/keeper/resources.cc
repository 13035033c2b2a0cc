#include "daemon/keeper/resources.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/keeper/inherited_sockets.h"
#include "daemon/keeper/mount_point.h"
#include "daemon/keeper/notify_message.h"
#include "daemon/keeper/unix_listener.h"
#include "daemon/log.h"
#include "heaps/linux_drm_device.h"
#include "proto/errno_status.h"
#include "proto/wire.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

struct Listener {
  SocketRole role;
  absl::string_view file;
  mode_t mode;
};

// Everybody may ask for memory: the policy, not the mode, says who gets some. The admin socket is
// for root and the daemon's own group.
constexpr Listener kListeners[] = {
    {{"rpc", SOCK_STREAM}, kRpcSocketName, 0666},
    {{"fd", SOCK_SEQPACKET}, kFdSocketName, 0666},
    {{"admin", SOCK_STREAM}, kAdminSocketName, 0660},
};

// The broker of a keeper that was killed is killed by the kernel at that moment; a second is plenty
// for it to be gone, even on a busy machine.
constexpr absl::Duration kPatience = absl::Seconds(1);

constexpr char kUdmabufNode[] = "/dev/udmabuf";

std::string Below(const std::string& folder, absl::string_view file) {
  return absl::StrCat(folder, "/", file);
}

// The first end does not block.
absl::Status OpenPair(std::pair<UniqueFd, UniqueFd>& pair) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair(SOCK_SEQPACKET)");
  }
  pair.first.Reset(ends[0]);
  pair.second.Reset(ends[1]);
  // Flags belong to an end, not to the numbers that name it: every broker finds it so.
  if (fcntl(pair.first.get(), F_SETFL, O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "fcntl(F_SETFL)");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Resources>> Resources::Open(const Options& options) {
  std::unique_ptr<Resources> all(new Resources());
  // The sockets that were handed in first: their numbers are known, and nothing else is open yet.
  std::vector<SocketRole> roles;
  for (const Listener& listener : kListeners) roles.push_back(listener.role);
  absl::StatusOr<std::map<std::string, UniqueFd>> inherited = TakeInheritedSockets(roles);
  if (!inherited.ok()) return inherited.status();
  all->sockets_ = *std::move(inherited);

  absl::StatusOr<Account> account = ResolveAccount(options.user, geteuid());
  if (!account.ok()) return account.status();
  all->account_ = *std::move(account);

  if (absl::Status status = all->OpenFolders(options); !status.ok()) return status;
  if (absl::Status status = all->OpenSockets(options); !status.ok()) return status;
  if (absl::Status status = all->OpenNotify(options); !status.ok()) return status;
  if (absl::Status status = all->OpenPairs(options); !status.ok()) return status;
  all->OpenHeaps(options);
  if (absl::Status status = all->OpenDrmCards(options); !status.ok()) return status;
  all->OpenUdmabuf(options);
  all->OpenTrace(options);
  all->OpenFilesystems(options);
  return all;
}

Resources::~Resources() {
  for (const std::string& path : made_sockets_) unlink(path.c_str());
  if (lock_.has_value()) lock_->Remove();
  // Innermost first; one that is not empty stays, with what the broker left in it.
  for (auto path = made_folders_.rbegin(); path != made_folders_.rend(); ++path) {
    rmdir(path->c_str());
  }
}

absl::Status Resources::OpenFolders(const Options& options) {
  absl::StatusOr<FolderOrigin> sockets = PrepareSocketDir(options.socket_dir);
  if (!sockets.ok()) return sockets.status();
  if (*sockets == FolderOrigin::kMade) made_folders_.push_back(options.socket_dir);

  // Before anything in the folder is touched: it may be another daemon's.
  absl::StatusOr<LockFile> lock = LockFile::Acquire(Below(options.socket_dir, "lock"));
  if (!lock.ok()) return lock.status();
  lock_ = *std::move(lock);

  absl::StatusOr<FolderOrigin> state = PrepareStateDir(options.state_dir, account_);
  if (!state.ok()) return state.status();
  if (*state == FolderOrigin::kMade) made_folders_.push_back(options.state_dir);
  return absl::OkStatus();
}

absl::Status Resources::OpenSockets(const Options& options) {
  for (const Listener& listener : kListeners) {
    const std::string name(listener.role.name);
    if (sockets_.count(name) > 0) {
      spdlog::info("event=socket_handed_in name={}", name);
      continue;
    }
    ListenerSpec spec;
    spec.path = Below(options.socket_dir, listener.file);
    spec.type = listener.role.type;
    spec.mode = listener.mode;
    if (account_.change) spec.group = account_.gid;
    spec.patience = kPatience;
    absl::StatusOr<UniqueFd> socket = BindUnixSocket(spec);
    if (!socket.ok()) return socket.status();
    made_sockets_.push_back(spec.path);
    sockets_[name] = *std::move(socket);
  }
  return absl::OkStatus();
}

absl::Status Resources::OpenNotify(const Options& options) {
  notify_path_ = Below(options.socket_dir, "notify.sock");
  absl::StatusOr<NotifyServer> notify = NotifyServer::Create(notify_path_, account_);
  if (!notify.ok()) return notify.status();
  made_sockets_.push_back(notify_path_);
  notify_.emplace(*std::move(notify));
  return absl::OkStatus();
}

absl::Status Resources::OpenPairs(const Options& options) {
  if (absl::Status status = OpenPair(broker_prober_); !status.ok()) return status;
  if (options.barrier_cgroups.empty()) return absl::OkStatus();
  if (absl::Status status = OpenPair(keeper_broker_); !status.ok()) return status;
  // Without a prober nobody would answer.
  return options.prober ? OpenPair(keeper_prober_) : absl::OkStatus();
}

void Resources::OpenHeaps(const Options& options) {
  absl::StatusOr<NodeScan> scan = ScanHeapNodes(options.heap_dir);
  if (!scan.ok()) {
    spdlog::warn("event=no_kernel_heaps folder={} {}", LogValue(options.heap_dir),
                 LogStatus(scan.status()));
    return;
  }
  for (const NodeScan::Failure& failure : scan->failures) {
    spdlog::warn("event=heap_node_not_opened name={} errno={}", LogValue(failure.name),
                 ErrnoName(failure.error_number));
  }
  for (HeapNode& node : scan->nodes) {
    // It travels in LISTEN_FDNAMES.
    if (!IsFdName(node.name)) {
      spdlog::warn("event=heap_node_left_out name={} note=\"its name can not be handed over\"",
                   LogValue(node.name));
      continue;
    }
    spdlog::info("event=heap_node_opened name={}", LogValue(node.name));
    heaps_.push_back(std::move(node));
  }
}

// Unlike the nodes that a folder happens to have, a card was asked for: without it the daemon would
// not be what the operator meant.
absl::Status Resources::OpenDrmCards(const Options& options) {
  for (const DrmHeapOption& heap : options.drm_heaps) {
    absl::StatusOr<UniqueFd> card = OpenDrmCard(heap.path);
    if (!card.ok()) {
      return absl::Status(
          card.status().code(),
          absl::StrCat("--drm-heap=", heap.name, "=", heap.path, ": ", card.status().message(),
                       ". Name a card that is there (ls -l /dev/dri/by-path) and that this account "
                       "may open, or leave the option out"));
    }
    spdlog::info("event=drm_card_opened name={} path={}", LogValue(heap.name), LogValue(heap.path));
    drm_cards_.push_back({heap.name, *std::move(card)});
  }
  return absl::OkStatus();
}

void Resources::OpenUdmabuf(const Options& options) {
  // Simulated heaps come from the command line or from the policy, which only the broker reads.
  if (!options.simulate.has_value() && options.policy_file.empty()) return;
  udmabuf_.Reset(open(kUdmabufNode, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (udmabuf_.valid()) {
    spdlog::info("event=udmabuf_opened");
  } else {
    spdlog::info("event=no_udmabuf errno={} note=\"simulated buffers are memfds\"",
                 ErrnoName(errno));
  }
}

// Only a kernel's area has pages that somebody else could hold on to.
void Resources::OpenTrace(const Options& options) {
  if (!options.prober || heaps_.empty()) return;
  absl::StatusOr<std::unique_ptr<TraceInstance>> trace = TraceInstance::Open(kTraceFolder);
  if (!trace.ok()) {
    spdlog::info(
        "event=no_page_watch note=\"which page is in the way of an allocation, and its "
        "release, are not seen: retries go by time alone\" {}",
        LogStatus(trace.status()));
    return;
  }
  trace_ = *std::move(trace);
  spdlog::info("event=trace_opened releases={}", trace_->filter() >= 0 ? "seen" : "unseen");
}

// Without one that is missing requests only wait longer.
void Resources::OpenFilesystems(const Options& options) {
  for (size_t i = 0; i < options.sync_filesystems.size(); ++i) {
    const std::string& path = options.sync_filesystems[i];
    absl::StatusOr<UniqueFd> folder = OpenMountPoint(path);
    if (!folder.ok()) {
      spdlog::warn(
          "event=filesystem_left_out filesystem={} note=\"it is never synced\" remedy=\"mount it "
          "before the daemon starts, or change --sync-filesystem={}\" {}",
          LogValue(path), path, LogStatus(folder.status()));
      continue;
    }
    spdlog::info("event=filesystem_opened filesystem={}", LogValue(path));
    filesystems_[i] = *std::move(folder);
  }
}

}  // namespace dmaheap

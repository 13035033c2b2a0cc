// What the keeper holds for its children, opened once at its start and closed at its end.

#ifndef DAEMON_KEEPER_RESOURCES_H_
#define DAEMON_KEEPER_RESOURCES_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "daemon/keeper/account.h"
#include "daemon/keeper/files.h"
#include "daemon/keeper/notify_server.h"
#include "daemon/keeper/trace_instance.h"
#include "daemon/options.h"
#include "heaps/node_scan.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class Resources {
 public:
  // Takes or makes everything that options ask for. On an error what was made before is removed.
  static absl::StatusOr<std::unique_ptr<Resources>> Open(const Options& options);

  // Removes the sockets and folders that we made, and the lock; never what was handed in.
  ~Resources();

  Resources(const Resources&) = delete;
  Resources& operator=(const Resources&) = delete;

  const Account& account() const { return account_; }
  const std::map<std::string, UniqueFd>& sockets() const { return sockets_; }
  const std::vector<HeapNode>& heaps() const { return heaps_; }
  // The cards of --drm-heap, under the names of their heaps.
  const std::vector<HeapNode>& drm_cards() const { return drm_cards_; }
  // -1 where there may be no simulated heap, or the kernel has no udmabuf.
  int udmabuf() const { return udmabuf_.get(); }
  // Those of --sync-filesystem, by their place there; what could not be opened has none.
  const std::map<size_t, UniqueFd>& filesystems() const { return filesystems_; }
  // nullptr where there is no area whose allocations could be traced, or no trace to be had.
  const TraceInstance* trace() const { return trace_.get(); }
  NotifyServer& notify() { return *notify_; }
  const std::string& notify_path() const { return notify_path_; }
  // The two ends of the socket between broker and prober. The broker's end does not block.
  int broker_end() const { return broker_prober_.first.get(); }
  int prober_end() const { return broker_prober_.second.get(); }
  // The sockets over which the keeper hears the broker, and asks the prober, about barriers: our
  // end, which does not block, and the child's. -1 where no cgroup is named, or no prober runs.
  int keeper_end_to_broker() const { return keeper_broker_.first.get(); }
  int broker_end_to_keeper() const { return keeper_broker_.second.get(); }
  int keeper_end_to_prober() const { return keeper_prober_.first.get(); }
  int prober_end_to_keeper() const { return keeper_prober_.second.get(); }

 private:
  Resources() = default;

  absl::Status OpenFolders(const Options& options);
  absl::Status OpenSockets(const Options& options);
  absl::Status OpenNotify(const Options& options);
  absl::Status OpenPairs(const Options& options);
  void OpenHeaps(const Options& options);
  absl::Status OpenDrmCards(const Options& options);
  void OpenUdmabuf(const Options& options);
  void OpenTrace(const Options& options);
  void OpenFilesystems(const Options& options);

  Account account_;
  absl::optional<LockFile> lock_;
  std::map<std::string, UniqueFd> sockets_;
  std::vector<HeapNode> heaps_;
  std::vector<HeapNode> drm_cards_;
  UniqueFd udmabuf_;
  std::map<size_t, UniqueFd> filesystems_;
  std::unique_ptr<TraceInstance> trace_;
  absl::optional<NotifyServer> notify_;
  std::string notify_path_;
  std::pair<UniqueFd, UniqueFd> broker_prober_;
  std::pair<UniqueFd, UniqueFd> keeper_broker_;
  std::pair<UniqueFd, UniqueFd> keeper_prober_;
  // What the end removes, in the order of its making.
  std::vector<std::string> made_sockets_;
  std::vector<std::string> made_folders_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_RESOURCES_H_

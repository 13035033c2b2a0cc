// Syncs file systems for requests that wait: one sync of a file system at a time, for all who want
// it, within a share of time, and nobody waits longer than its box.
//
// Inside tasks only.

#ifndef DAEMON_CORE_SYNC_REMEDY_H_
#define DAEMON_CORE_SYNC_REMEDY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/core/filesystem_sync.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class SyncRemedy {
 public:
  using OnDone = FilesystemSync::OnDone;

  // Both outlive this.
  SyncRemedy(Executor& executor, FilesystemSync& filesystems);
  // Nobody is called any more.
  ~SyncRemedy();

  SyncRemedy(const SyncRemedy&) = delete;
  SyncRemedy& operator=(const SyncRemedy&) = delete;

  // Has those of the mount points synced that may be now, or joins a sync that began less than a
  // box ago. False, and on_done is never called, if that is none: it is not known here, was synced
  // a moment ago (daemon/limits.h), or has been at it for longer. Else calls on_done once, as a
  // task, after at most box:
  //   OK                 all have ended, and one without an error
  //   DEADLINE_EXCEEDED  the box ended before
  // Others carry the errno of syncfs.
  bool Sync(const std::vector<std::string>& mount_points, absl::Duration box, OnDone on_done);

 private:
  // Of one caller.
  struct Wait {
    OnDone on_done;
    // Syncs that have not ended.
    int open = 0;
    bool any_ok = false;
    absl::Status error;
    TimerId timer = 0;
  };
  struct Filesystem {
    bool running = false;
    absl::Time began = absl::InfinitePast();
    absl::Time not_before = absl::InfinitePast();
    std::vector<std::shared_ptr<Wait>> waits;
  };

  void Begin(size_t filesystem);
  void OnSynced(size_t filesystem, const absl::Status& status);
  static void Finish(Wait& wait, absl::Status status);

  Executor& executor_;
  FilesystemSync& sync_;
  std::vector<Filesystem> filesystems_;
  // Syncs that outlive this find it empty.
  std::shared_ptr<SyncRemedy*> self_ = std::make_shared<SyncRemedy*>(this);
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_SYNC_REMEDY_H_

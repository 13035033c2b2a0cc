// syncfs(2) of the file systems that the keeper opened, each sync on a thread of its own: it may
// take minutes, nothing can stop it, and a slow disk must not hold up another.

#ifndef DAEMON_HANDOVER_SYNCFS_THREADS_H_
#define DAEMON_HANDOVER_SYNCFS_THREADS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/filesystem_sync.h"
#include "daemon/loop/executor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class SyncfsThreads : public FilesystemSync {
 public:
  struct Filesystem {
    std::string mount_point;
    UniqueFd folder;
  };
  // As syncfs(2): 0, or -1 with errno. On a thread.
  using Syscall = std::function<int(int)>;

  SyncfsThreads(Executor& executor, std::vector<Filesystem> filesystems);
  SyncfsThreads(Executor& executor, std::vector<Filesystem> filesystems, Syscall syncfs);
  // As Stop().
  ~SyncfsThreads() override;

  // From now on no task is posted. Waits for no sync that is under way (the process itself is gone
  // only when the kernel has let its threads go). Not inside a task.
  void Stop();

  const std::vector<std::string>& filesystems() const override { return mount_points_; }
  void Sync(int filesystem, OnDone on_done) override;

 private:
  struct Shared;
  struct Job;

  static void* Run(void* job);

  Executor& executor_;
  std::vector<std::string> mount_points_;
  // Outlives this with a sync that does.
  const std::shared_ptr<Shared> shared_;
};

}  // namespace dmaheap

#endif  // DAEMON_HANDOVER_SYNCFS_THREADS_H_

#include "daemon/handover/syncfs_threads.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {

struct SyncfsThreads::Shared {
  std::vector<Filesystem> filesystems;
  Syscall syncfs;
  std::mutex mutex;
  // Where the end of a sync is told; nullptr once nobody wants to hear of it.
  Executor* executor;
};

struct SyncfsThreads::Job {
  std::shared_ptr<Shared> shared;
  size_t filesystem;
  OnDone on_done;
};

SyncfsThreads::SyncfsThreads(Executor& executor, std::vector<Filesystem> filesystems)
    : SyncfsThreads(executor, std::move(filesystems), [](int fd) { return syncfs(fd); }) {}

SyncfsThreads::SyncfsThreads(Executor& executor, std::vector<Filesystem> filesystems,
                             Syscall syncfs)
    : executor_(executor), shared_(std::make_shared<Shared>()) {
  for (const Filesystem& filesystem : filesystems) mount_points_.push_back(filesystem.mount_point);
  shared_->filesystems = std::move(filesystems);
  shared_->syncfs = std::move(syncfs);
  shared_->executor = &executor;
}

SyncfsThreads::~SyncfsThreads() { Stop(); }

void SyncfsThreads::Stop() {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  shared_->executor = nullptr;
}

void SyncfsThreads::Sync(int filesystem, OnDone on_done) {
  // Its owner is the thread, once there is one.
  Job* const job = new Job{shared_, static_cast<size_t>(filesystem), std::move(on_done)};
  pthread_t thread;
  if (const int error = pthread_create(&thread, nullptr, &SyncfsThreads::Run, job); error != 0) {
    executor_.Post([job = std::unique_ptr<Job>(job), error] {
      job->on_done(ErrnoStatus(error, "no thread for a sync"));
    });
    return;
  }
  // Joined by nobody: at the end of this process it may still be in the kernel.
  pthread_detach(thread);
}

void* SyncfsThreads::Run(void* argument) {
  const std::unique_ptr<Job> job(static_cast<Job*>(argument));
  Shared& shared = *job->shared;
  const Filesystem& filesystem = shared.filesystems[job->filesystem];
  pthread_setname_np(pthread_self(), absl::StrCat("sync-", job->filesystem).c_str());
  absl::Status status;
  if (shared.syncfs(filesystem.folder.get()) != 0) {
    status = ErrnoStatus(errno, absl::StrCat("syncfs of ", filesystem.mount_point));
    spdlog::warn("event=sync_failed filesystem={} {}", LogValue(filesystem.mount_point),
                 LogStatus(status));
  }
  // Held over the post, so that the executor stays until it is done.
  const std::lock_guard<std::mutex> lock(shared.mutex);
  if (shared.executor == nullptr) return nullptr;
  shared.executor->Post([on_done = std::move(job->on_done), status = std::move(status)]() mutable {
    on_done(std::move(status));
  });
  return nullptr;
}

}  // namespace dmaheap

// The remedy for pages that wait to be written: a block of a journal's transaction, which the
// kernel can not move until its file system has let go of it. syncfs(2) has it do so.

#ifndef DAEMON_CORE_FILESYSTEM_SYNC_H_
#define DAEMON_CORE_FILESYSTEM_SYNC_H_

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace dmaheap {

// Inside tasks only.
class FilesystemSync {
 public:
  using OnDone = absl::AnyInvocable<void(absl::Status)>;

  virtual ~FilesystemSync() = default;

  // Mount points of those that may be synced, in the order in which Sync counts them from 0.
  virtual const std::vector<std::string>& filesystems() const = 0;

  // Writes all that is dirty there at this moment. Calls on_done at most once, as a task, never
  // from inside this call; that may take minutes, and nothing can stop it. Not again for the same
  // file system before on_done. Errors carry the errno of syncfs.
  virtual void Sync(int filesystem, OnDone on_done) = 0;
};

// Where none was named.
class NoFilesystemSync : public FilesystemSync {
 public:
  const std::vector<std::string>& filesystems() const override { return filesystems_; }
  void Sync(int, OnDone) override {}

 private:
  const std::vector<std::string> filesystems_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_FILESYSTEM_SYNC_H_

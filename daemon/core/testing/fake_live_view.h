// A live view without inotify and epoll: a memfd lives while this process has an fd of its inode,
// which in a test is everybody. Gone buffers are told only when asked, as for dma-bufs.
// Thread-safe.

#ifndef DAEMON_CORE_TESTING_FAKE_LIVE_VIEW_H_
#define DAEMON_CORE_TESTING_FAKE_LIVE_VIEW_H_

#include <sys/stat.h>

#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "daemon/core/live_view.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {

class FakeLiveView : public LiveView {
 public:
  // The next Watch fails so.
  void FailWatch(int error_number) { fail_watch_ = error_number; }
  // What the next TakeSignalled says; events of the test's own.
  void Signal(const BufferKey& key) {
    std::lock_guard<std::mutex> lock(mutex_);
    signalled_.push_back(key);
  }

  absl::Status Watch(const Buffer& buffer) override {
    std::lock_guard<std::mutex> lock(mutex_);
    if (fail_watch_ != 0) return ErrnoStatus(std::exchange(fail_watch_, 0), "fake watch");
    watched_[buffer.key] = buffer.size_bytes;
    return absl::OkStatus();
  }

  std::vector<BufferKey> TakeGone() override {
    std::lock_guard<std::mutex> lock(mutex_);
    ++readings_;
    const std::set<uint64_t> open = OpenInodes();
    std::vector<BufferKey> gone;
    for (const auto& [key, size] : watched_) {
      if (open.count(key.inode) == 0) gone.push_back(key);
    }
    for (const BufferKey& key : gone) watched_.erase(key);
    return gone;
  }

  std::vector<BufferKey> TakeSignalled() override {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const BufferKey& key : signalled_) watched_.erase(key);
    return std::exchange(signalled_, {});
  }

  // Times that TakeGone was called.
  int readings() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return readings_;
  }
  // Of the watched buffers that exist, by the test's own look.
  int64_t LiveBytes() const {
    std::lock_guard<std::mutex> lock(mutex_);
    const std::set<uint64_t> open = OpenInodes();
    int64_t bytes = 0;
    for (const auto& [key, size] : watched_) bytes += open.count(key.inode) > 0 ? size : 0;
    return bytes;
  }

 private:
  static std::set<uint64_t> OpenInodes() {
    std::set<uint64_t> inodes;
    for (const int fd : OpenFds()) {
      struct stat status;
      if (fstat(fd, &status) == 0) inodes.insert(status.st_ino);
    }
    return inodes;
  }

  mutable std::mutex mutex_;
  std::map<BufferKey, int64_t> watched_;
  std::vector<BufferKey> signalled_;
  int fail_watch_ = 0;
  int readings_ = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_LIVE_VIEW_H_

// File systems whose syncs end when the test says so. One thread.

#ifndef DAEMON_CORE_TESTING_FAKE_FILESYSTEM_SYNC_H_
#define DAEMON_CORE_TESTING_FAKE_FILESYSTEM_SYNC_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/filesystem_sync.h"
#include "gtest/gtest.h"

namespace dmaheap {

class FakeFilesystemSync : public FilesystemSync {
 public:
  explicit FakeFilesystemSync(std::vector<std::string> filesystems)
      : filesystems_(std::move(filesystems)) {}

  const std::vector<std::string>& filesystems() const override { return filesystems_; }
  void Sync(int filesystem, OnDone on_done) override {
    EXPECT_FALSE(running(filesystem)) << "a second sync of " << filesystem;
    asked_.push_back(filesystem);
    running_[filesystem] = std::move(on_done);
  }

  // Every Sync so far, and whether that of a file system has not ended.
  const std::vector<int>& asked() const { return asked_; }
  bool running(int filesystem = 0) const { return running_.count(filesystem) > 0; }

  // Ends it; inside a task.
  void End(absl::Status status = absl::OkStatus(), int filesystem = 0) {
    OnDone done = std::move(running_.at(filesystem));
    running_.erase(filesystem);
    done(std::move(status));
  }

 private:
  const std::vector<std::string> filesystems_;
  std::vector<int> asked_;
  std::map<int, OnDone> running_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_FILESYSTEM_SYNC_H_

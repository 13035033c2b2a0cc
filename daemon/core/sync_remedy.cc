#include "daemon/core/sync_remedy.h"

#include <algorithm>
#include <utility>

#include "daemon/limits.h"

namespace dmaheap {

SyncRemedy::SyncRemedy(Executor& executor, FilesystemSync& filesystems)
    : executor_(executor), sync_(filesystems), filesystems_(filesystems.filesystems().size()) {}

SyncRemedy::~SyncRemedy() { *self_ = nullptr; }

bool SyncRemedy::Sync(const std::vector<std::string>& mount_points, absl::Duration box,
                      OnDone on_done) {
  const absl::Time now = executor_.Now();
  const std::vector<std::string>& known = sync_.filesystems();
  const auto wait = std::make_shared<Wait>();
  for (const std::string& mount_point : mount_points) {
    const auto it = std::find(known.begin(), known.end(), mount_point);
    if (it == known.end()) continue;
    const auto index = static_cast<size_t>(it - known.begin());
    Filesystem& filesystem = filesystems_[index];
    if (filesystem.running ? now >= filesystem.began + box : now < filesystem.not_before) continue;
    if (!filesystem.running) Begin(index);
    filesystem.waits.push_back(wait);
    ++wait->open;
  }
  if (wait->open == 0) return false;
  wait->on_done = std::move(on_done);
  // What ends after the box finds nobody to call.
  wait->timer = executor_.After(box, [self = self_, wait] {
    if (*self == nullptr) return;
    Finish(*wait, absl::DeadlineExceededError("the file system was not synced within the box"));
  });
  return true;
}

void SyncRemedy::Begin(size_t filesystem) {
  filesystems_[filesystem].running = true;
  filesystems_[filesystem].began = executor_.Now();
  sync_.Sync(static_cast<int>(filesystem), [self = self_, filesystem](absl::Status status) {
    if (*self != nullptr) (*self)->OnSynced(filesystem, status);
  });
}

void SyncRemedy::OnSynced(size_t index, const absl::Status& status) {
  Filesystem& filesystem = filesystems_[index];
  const absl::Time now = executor_.Now();
  filesystem.running = false;
  // A slow disk has as long a rest as it was kept busy.
  filesystem.not_before =
      std::max(filesystem.began + kMinSyncInterval, now + (now - filesystem.began));
  for (const std::shared_ptr<Wait>& wait : std::exchange(filesystem.waits, {})) {
    wait->any_ok |= status.ok();
    wait->error.Update(status);
    if (--wait->open > 0) continue;
    executor_.Cancel(wait->timer);
    Finish(*wait, wait->any_ok ? absl::OkStatus() : wait->error);
  }
}

void SyncRemedy::Finish(Wait& wait, absl::Status status) {
  if (OnDone done = std::exchange(wait.on_done, nullptr); done != nullptr) done(std::move(status));
}

}  // namespace dmaheap

#include "heaps/memfd_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "heaps/fdinfo.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using Backing = BufferKey::Backing;

// IN_CLOSE_WRITE would come earlier and mean nothing: others may have the file, equal events are
// merged, and kernels since 6.14 leave it out. The end of the mark is what counts.
class MemfdWatch final : public BufferWatch {
 public:
  MemfdWatch(UniqueFd set, FdinfoReader fdinfo)
      : set_(std::move(set)), fdinfo_(std::move(fdinfo)) {}

  absl::Status TakeUpMarks() {
    auto marks = Marks();
    if (!marks.ok()) return marks.status();
    for (const InotifyMark& mark : *marks) Remember(mark.wd, {Backing::kMemfd, mark.inode});
    return absl::OkStatus();
  }

  absl::Status Add(const Buffer& buffer) override {
    if (buffer.key.backing != Backing::kMemfd) {
      return ErrnoStatus(EINVAL, absl::StrCat("buffer ", buffer.key.ToString(), " is no memfd"));
    }
    // The link leads to the inode itself: a memfd has no path.
    const std::string link = absl::StrCat("/proc/self/fd/", buffer.fd.get());
    const int wd = inotify_add_watch(set_.get(), link.c_str(), IN_DELETE_SELF);
    if (wd < 0) {
      return ErrnoStatus(errno,
                         absl::StrCat("inotify_add_watch of buffer ", buffer.key.ToString()));
    }
    Remember(wd, buffer.key);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<BufferKey>> TakeGone() override {
    if (absl::Status status = ReadEvents(); !status.ok()) return status;
    if (overflowed_) {
      if (absl::Status status = CompareWithMarks(); !status.ok()) return status;
      overflowed_ = false;
    }
    return std::exchange(gone_, {});
  }

  const absl::flat_hash_set<BufferKey>& watched() const override { return watched_; }
  int event_fd() const override { return set_.get(); }
  int set_fd() const override { return set_.get(); }

 private:
  void Remember(int wd, const BufferKey& key) {
    keys_[wd] = key;
    watched_.insert(key);
  }

  void Forget(int wd) {
    const auto it = keys_.find(wd);
    // The second of two events, or of a buffer that was gone before this process inherited the set.
    if (it == keys_.end()) return;
    watched_.erase(it->second);
    gone_.push_back(it->second);
    keys_.erase(it);
  }

  absl::Status ReadEvents() {
    // 4 KiB are 256 events without names.
    alignas(inotify_event) char bytes[4096];
    while (true) {
      const ssize_t got = read(set_.get(), bytes, sizeof(bytes));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return absl::OkStatus();
      if (got < 0) return ErrnoStatus(errno, "read of the inotify set");
      for (ssize_t at = 0; at < got;) {
        inotify_event event;
        memcpy(&event, bytes + at, sizeof(event));
        at += static_cast<ssize_t>(sizeof(event)) + event.len;
        if ((event.mask & IN_Q_OVERFLOW) != 0) overflowed_ = true;
        if ((event.mask & (IN_DELETE_SELF | IN_IGNORED)) != 0) Forget(event.wd);
      }
    }
  }

  // More events than fs.inotify.max_queued_events came in between, and the rest was dropped.
  absl::Status CompareWithMarks() {
    const auto marks = Marks();
    if (!marks.ok()) return marks.status();
    absl::flat_hash_set<int> alive;
    for (const InotifyMark& mark : *marks) alive.insert(mark.wd);
    std::vector<int> dead;
    for (const auto& [wd, key] : keys_) {
      if (!alive.contains(wd)) dead.push_back(wd);
    }
    for (const int wd : dead) Forget(wd);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<InotifyMark>> Marks() {
    const auto text = fdinfo_.Read();
    if (!text.ok()) return text.status();
    return ParseInotifyMarks(*text);
  }

  UniqueFd set_;
  FdinfoReader fdinfo_;
  // Watch descriptors are not used again within one instance (fs/notify/inotify, idr_alloc_cyclic).
  absl::flat_hash_map<int, BufferKey> keys_;
  absl::flat_hash_set<BufferKey> watched_;
  std::vector<BufferKey> gone_;
  bool overflowed_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BufferWatch>> CreateMemfdWatch(UniqueFd inherited_set) {
  UniqueFd set = std::move(inherited_set);
  if (!set.valid()) set.Reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!set.valid()) return ErrnoStatus(errno, "inotify_init1");
  auto fdinfo = FdinfoReader::Open(set.get(), "anon_inode:inotify");
  if (!fdinfo.ok()) return fdinfo.status();
  auto watch = std::make_unique<MemfdWatch>(std::move(set), *std::move(fdinfo));
  if (absl::Status status = watch->TakeUpMarks(); !status.ok()) return status;
  return watch;
}

}  // namespace dmaheap

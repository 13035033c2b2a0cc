#include "heaps/dma_buf_watch.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "heaps/fdinfo.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using Backing = BufferKey::Backing;

// The kernel holds nothing for an item but the item: when the file goes, so does it. We ask for no
// event and never wait on the set.
//
// One set for all buffers. Several sets would shorten what a single close() may have to wait (a
// reading takes 3.4 ms for 10,000 items), but not the sum, and they would be several fds to hand on
// and to lose; whoever reads seldom needs neither.
class DmaBufWatch final : public BufferWatch {
 public:
  DmaBufWatch(UniqueFd set, FdinfoReader fdinfo)
      : set_(std::move(set)), fdinfo_(std::move(fdinfo)) {}

  absl::Status TakeUpItems() {
    auto items = Items();
    if (!items.ok()) return items.status();
    for (const uint64_t inode : *items) watched_.insert({Backing::kDmaBuf, inode});
    return absl::OkStatus();
  }

  absl::Status Add(const Buffer& buffer) override {
    if (buffer.key.backing != Backing::kDmaBuf) {
      return ErrnoStatus(EINVAL, absl::StrCat("buffer ", buffer.key.ToString(), " is no dma-buf"));
    }
    epoll_event event = {};
    event.data.u64 = buffer.key.inode;
    // EEXIST: this file under this number is an item already.
    if (epoll_ctl(set_.get(), EPOLL_CTL_ADD, buffer.fd.get(), &event) != 0 && errno != EEXIST) {
      return ErrnoStatus(errno, absl::StrCat("EPOLL_CTL_ADD of buffer ", buffer.key.ToString()));
    }
    watched_.insert(buffer.key);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<BufferKey>> TakeGone() override {
    std::vector<BufferKey> gone;
    if (watched_.empty()) return gone;
    const auto items = Items();
    if (!items.ok()) return items.status();
    const absl::flat_hash_set<uint64_t> alive(items->begin(), items->end());
    for (const BufferKey& key : watched_) {
      if (!alive.contains(key.inode)) gone.push_back(key);
    }
    for (const BufferKey& key : gone) watched_.erase(key);
    return gone;
  }

  const absl::flat_hash_set<BufferKey>& watched() const override { return watched_; }
  int event_fd() const override { return -1; }
  int set_fd() const override { return set_.get(); }

 private:
  absl::StatusOr<std::vector<uint64_t>> Items() {
    const auto text = fdinfo_.Read();
    if (!text.ok()) return text.status();
    return ParseEpollItems(*text);
  }

  UniqueFd set_;
  FdinfoReader fdinfo_;
  absl::flat_hash_set<BufferKey> watched_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BufferWatch>> CreateDmaBufWatch(UniqueFd inherited_set) {
  UniqueFd set = std::move(inherited_set);
  if (!set.valid()) set.Reset(epoll_create1(EPOLL_CLOEXEC));
  if (!set.valid()) return ErrnoStatus(errno, "epoll_create1");
  auto fdinfo = FdinfoReader::Open(set.get(), "anon_inode:[eventpoll]");
  if (!fdinfo.ok()) return fdinfo.status();
  auto watch = std::make_unique<DmaBufWatch>(std::move(set), *std::move(fdinfo));
  if (absl::Status status = watch->TakeUpItems(); !status.ok()) return status;
  return watch;
}

}  // namespace dmaheap

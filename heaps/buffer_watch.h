// The kernel's word on which delivered buffers still exist: exact, without privilege, without a
// reference on them.
//
// A watch is begun while the buffer's fd is still in hand; the fd may then be closed. The memory is
// reported gone when the last reference of any kind is: fds in any process or in flight in a
// socket, mappings, references inside drivers and io_uring (which lets go a moment late).
//
//   dma-buf   an item of an epoll set holds no reference on its file and vanishes with it
//             (fs/eventpoll.c, eventpoll_release); the items left are read from the set's fdinfo
//             (ep_show_fdinfo). No event tells of it: somebody has to ask.
//   memfd     can not be polled; an inotify mark on its inode ends with it (IN_DELETE_SELF and
//             IN_IGNORED, from fs/dcache.c dentry_unlink_inode), which is an event.
//
// A udmabuf is a dma-buf: its memfd may be gone while the memory lives.
//
// Both sets are fds, so that they outlive the process that made them: whoever inherits them (over a
// socket or a fork) goes on where it stopped. A watch reads /proc/self/fdinfo of its own set
// through an fd that it opens at once, so it must be created by the process that uses it, after any
// fork and before /proc is out of reach; memfds are added through /proc/self/fd. Not thread-safe:
// one thread owns a watch.

#ifndef HEAPS_BUFFER_WATCH_H_
#define HEAPS_BUFFER_WATCH_H_

#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "heaps/buffer.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class BufferWatch {
 public:
  virtual ~BufferWatch() = default;

  // Begins to watch; a buffer that is watched already is fine. Errors carry the errno (ENOSPC:
  // fs.epoll.max_user_watches or fs.inotify.max_user_watches is used up; EINVAL: a buffer of the
  // other kind); the buffer must then be accounted for in another way.
  virtual absl::Status Add(const Buffer& buffer) = 0;

  // The watched buffers whose memory is gone, each once; nothing is lost by a failure, the next
  // call has it. For memfds cheap when nothing happened. For dma-bufs linear in the number of live
  // ones (some 2 to 5 ms for 10,000), during which the kernel keeps the last close() of each of
  // them waiting, in whatever process: ask when there is a reason, not in a loop.
  virtual absl::StatusOr<std::vector<BufferKey>> TakeGone() = 0;

  // The buffers that are watched and not yet reported gone.
  virtual const absl::flat_hash_set<BufferKey>& watched() const = 0;

  // Readable when TakeGone has something to say; -1 where no event tells. Borrowed.
  virtual int event_fd() const = 0;

  // The set itself, for handing it to a successor. Borrowed.
  virtual int set_fd() const = 0;
};

}  // namespace dmaheap

#endif  // HEAPS_BUFFER_WATCH_H_

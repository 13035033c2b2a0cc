// The watch of memfds: an inotify set (buffer_watch.h says what both promise).

#ifndef HEAPS_MEMFD_WATCH_H_
#define HEAPS_MEMFD_WATCH_H_

#include <memory>

#include "absl/status/statusor.h"
#include "heaps/buffer_watch.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// From an empty fd a new set; else goes on with an inherited one, which must be of the right kind
// (EINVAL). What is gone by then is not in watched(): compare with what you remember.
absl::StatusOr<std::unique_ptr<BufferWatch>> CreateMemfdWatch(UniqueFd inherited_set);

}  // namespace dmaheap

#endif  // HEAPS_MEMFD_WATCH_H_

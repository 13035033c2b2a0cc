// /proc/self/fdinfo of an epoll set and of an inotify instance: which items are left in it.
//
// The formats are those of ep_show_fdinfo (fs/eventpoll.c) and inotify_fdinfo (fs/notify/fdinfo.c):
//   tfd:        8 events:       18 data:             1f40  pos:0 ino:1f40 sdev:d
//   inotify wd:1a ino:1f40 sdev:1 mask:400 ignored_mask:0 fhandle-bytes:8 ...
// A missing item means that memory is gone, so the parsers take nothing that they do not
// understand: kDataLoss for text that is cut off or that has an item of another form.

#ifndef HEAPS_FDINFO_H_
#define HEAPS_FDINFO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// The data of each item, in no order; one number for each fd that was added, so perhaps twice.
absl::StatusOr<std::vector<uint64_t>> ParseEpollItems(absl::string_view fdinfo);

struct InotifyMark {
  int wd = 0;
  uint64_t inode = 0;

  friend bool operator==(const InotifyMark& a, const InotifyMark& b) = default;
};
absl::StatusOr<std::vector<InotifyMark>> ParseInotifyMarks(absl::string_view fdinfo);

// The fdinfo of one fd of this process, kept open: reading it again is cheaper than opening it
// again, because the kernel keeps the buffer it made. Not thread-safe. Good for this process only,
// not for a child that it forks, and for as long as the fd keeps its number.
class FdinfoReader {
 public:
  // kind is what /proc/self/fd/N must point to, "anon_inode:[eventpoll]" or "anon_inode:inotify";
  // another one is EINVAL. Otherwise the errno of readlink or open.
  static absl::StatusOr<FdinfoReader> Open(int fd, absl::string_view kind);

  // The whole text as of one moment. The view is good until the next call.
  absl::StatusOr<absl::string_view> Read();

 private:
  explicit FdinfoReader(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
  std::string text_;
};

}  // namespace dmaheap

#endif  // HEAPS_FDINFO_H_

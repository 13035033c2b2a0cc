#include "heaps/node_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

bool IsCharacterDevice(const struct stat& file) { return S_ISCHR(file.st_mode); }

// O_NOFOLLOW: a link is no node. O_NONBLOCK: a pipe that was put in the node's place since must not
// stop us. Reading is enough for the ioctl (drivers/dma-buf/dma-heap.c asks for no mode), and all
// that the rights of Android's nodes give.
UniqueFd OpenNode(int folder, const char* name) {
  constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  UniqueFd fd(openat(folder, name, O_RDWR | kFlags));
  if (!fd.valid() && (errno == EACCES || errno == EPERM)) {
    fd.Reset(openat(folder, name, O_RDONLY | kFlags));
  }
  return fd;
}

}  // namespace

absl::StatusOr<NodeScan> ScanHeapNodes(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder.c_str()), closedir);
  if (entries == nullptr) return ErrnoStatus(errno, absl::StrCat("opendir of ", folder));
  NodeScan scan;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(entries.get());
    if (entry == nullptr) {
      if (errno != 0) return ErrnoStatus(errno, absl::StrCat("readdir of ", folder));
      break;
    }
    const std::string name = entry->d_name;
    struct stat file;
    if (fstatat(dirfd(entries.get()), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
      // Gone since: then it is no node any more.
      if (errno != ENOENT) scan.failures.push_back({name, errno});
      continue;
    }
    if (!IsCharacterDevice(file)) continue;
    UniqueFd fd = OpenNode(dirfd(entries.get()), name.c_str());
    if (!fd.valid()) {
      scan.failures.push_back({name, errno});
      continue;
    }
    // What was opened is what counts, not what stood there before.
    if (fstat(fd.get(), &file) != 0 || !IsCharacterDevice(file)) continue;
    scan.nodes.push_back({name, std::move(fd)});
  }
  std::sort(scan.nodes.begin(), scan.nodes.end(),
            [](const HeapNode& a, const HeapNode& b) { return a.name < b.name; });
  std::sort(scan.failures.begin(), scan.failures.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return scan;
}

}  // namespace dmaheap

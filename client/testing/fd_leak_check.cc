#include "client/testing/fd_leak_check.h"

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace dmaheap {
namespace {

std::set<int> OpenFds() {
  std::set<int> fds;
  DIR* dir = opendir("/proc/self/fd");
  if (dir == nullptr) abort();
  while (const dirent* entry = readdir(dir)) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(dir)) fds.insert(fd);
  }
  closedir(dir);
  return fds;
}

std::string Target(int fd) {
  char target[PATH_MAX];
  const ssize_t length =
      readlink(absl::StrCat("/proc/self/fd/", fd).c_str(), target, sizeof(target));
  return length < 0 ? std::string() : std::string(target, static_cast<size_t>(length));
}

}  // namespace

FdLeakCheck::FdLeakCheck() : before_(OpenFds()) {}

std::string FdLeakCheck::Leaked() const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (;;) {
    std::string leaked;
    for (const int fd : OpenFds()) {
      if (before_.count(fd) != 0) continue;
      const std::string target = Target(fd);
      // gRPC's pollers live as long as the process.
      if (absl::StartsWith(target, "anon_inode:[event")) continue;
      absl::StrAppend(&leaked, fd, " -> ", target, "\n");
    }
    if (leaked.empty() || std::chrono::steady_clock::now() > end) return leaked;
    poll(nullptr, 0, 1);
  }
}

}  // namespace dmaheap

#include "daemon/keeper/heap_nodes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daemon/keeper/notify_message.h"
#include "proto/errno_status.h"

namespace dmaheap {

HeapNodes OpenHeapNodes(const std::string& folder) {
  HeapNodes nodes;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder.c_str()), closedir);
  if (entries == nullptr) {
    nodes.failures.push_back(ErrnoStatus(errno, absl::StrCat("opening heap folder ", folder)));
    return nodes;
  }
  std::vector<std::string> names;
  while (const dirent* entry = readdir(entries.get())) names.emplace_back(entry->d_name);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    struct stat status;
    if (fstatat(dirfd(entries.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISCHR(status.st_mode)) {
      continue;
    }
    const std::string path = absl::StrCat(folder, "/", absl::CHexEscape(name));
    if (!IsFdName(name)) {
      nodes.failures.push_back(absl::InvalidArgumentError(
          absl::StrCat("heap node ", path, " has a name that can not be handed to the broker")));
      continue;
    }
    UniqueFd fd(openat(dirfd(entries.get()), name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) {
      nodes.failures.push_back(ErrnoStatus(errno, absl::StrCat("opening heap node ", path)));
      continue;
    }
    nodes.opened.push_back({name, std::move(fd)});
  }
  return nodes;
}

}  // namespace dmaheap

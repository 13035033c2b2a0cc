#include "daemon/keeper/fd_store.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace dmaheap {
namespace {

// Whether two numbers mean one open file. A kernel without kcmp (CONFIG_KCMP) does not tell; then
// both are kept, which is safe, only wasteful.
bool IsSameFile(int a, int b) {
  const pid_t self = getpid();
  return syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

}  // namespace

absl::Status FdStore::Add(absl::string_view name, std::vector<UniqueFd> fds) {
  std::vector<UniqueFd> fresh;
  for (UniqueFd& fd : fds) {
    bool known = false;
    for (const Entry& entry : entries_) {
      known = known || (entry.name == name && IsSameFile(entry.fd.get(), fd.get()));
    }
    if (!known) fresh.push_back(std::move(fd));
  }
  if (entries_.size() + fresh.size() > limits_.fds) {
    return absl::ResourceExhaustedError(absl::StrCat("the fd store holds ", entries_.size(),
                                                     " fds and its limit is ", limits_.fds, "; ",
                                                     fresh.size(), " more do not fit"));
  }
  const size_t more_bytes = fresh.size() * (name.size() + 1);
  if (name_bytes_ + more_bytes > limits_.name_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the names in the fd store take ", name_bytes_, " bytes and their limit is ",
                     limits_.name_bytes, "; ", more_bytes, " more do not fit"));
  }
  name_bytes_ += more_bytes;
  for (UniqueFd& fd : fresh) entries_.push_back({std::string(name), std::move(fd)});
  return absl::OkStatus();
}

size_t FdStore::Remove(absl::string_view name) {
  const size_t removed =
      std::erase_if(entries_, [&](const Entry& entry) { return entry.name == name; });
  name_bytes_ -= removed * (name.size() + 1);
  return removed;
}

}  // namespace dmaheap

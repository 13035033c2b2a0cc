#include "daemon/diagnosis/prober/file_openers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/process_identity.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

bool IsGone(const absl::Status& status) {
  const int error = GetErrno(status);
  return error == ENOENT || error == ESRCH;
}

bool IsTheFile(int fds, const std::string& number, const MappedFile& file) {
  // Most are ruled out by their name, which costs least.
  std::string target(PATH_MAX, '\0');
  const ssize_t length = readlinkat(fds, number.c_str(), target.data(), target.size());
  if (length < 0) return false;
  target.resize(static_cast<size_t>(length));
  if (target != file.path) return false;
  struct stat status;
  // Of what the kernel has: a server of files could keep us waiting (statx(2)).
  if (fstatat(fds, number.c_str(), &status, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC) != 0) {
    return false;
  }
  return status.st_ino == file.inode &&
         absl::StrFormat("%02x:%02x", major(status.st_dev), minor(status.st_dev)) == file.device;
}

// Absent: it could not be looked into.
absl::optional<bool> HasOpen(int process, const MappedFile& file, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> fds = OpenFolderBelow(process, "fd");
  if (!fds.ok()) return IsGone(fds.status()) ? absl::optional<bool>(false) : absl::nullopt;
  const absl::StatusOr<std::vector<std::string>> numbers = ListFolder(*fds, box);
  if (!numbers.ok()) return IsGone(numbers.status()) ? absl::optional<bool>(false) : absl::nullopt;
  for (const std::string& number : *numbers) {
    if (box.Ended()) return absl::nullopt;
    if (IsTheFile(fds->get(), number, file)) return true;
  }
  return false;
}

}  // namespace

void FindOpeners(const UniqueFd& proc, const MappedFile& file, const TimeBox& box,
                 ProberReply& reply) {
  std::set<int32_t> known;
  for (const MapperRecord& mapper : reply.mappers) known.insert(mapper.process.pid);
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(proc, box);
  if (!names.ok()) {
    reply.flags |= kProberHoldersPartial;
    return;
  }
  for (const std::string& name : *names) {
    int32_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid <= 0 || known.count(pid) > 0) continue;
    if (box.Ended()) {
      reply.flags |= kProberHoldersPartial;
      return;
    }
    const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc.get(), absl::StrCat(pid));
    if (!process.ok()) continue;
    const absl::optional<bool> has_it = HasOpen(process->get(), file, box);
    if (!has_it.has_value()) reply.flags |= kProberHoldersPartial;
    if (has_it.value_or(false)) {
      reply.mappers.push_back({.process = DescribeProcess(process->get(), pid)});
    }
  }
}

}  // namespace dmaheap

#include "daemon/diagnosis/prober/cgroup_members.h"

#include <cerrno>
#include <utility>

#include "daemon/diagnosis/prober/tree.h"
#include "proto/decimal.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// Of 100,000 processes.
constexpr size_t kProcsBytes = 1 << 20;
// Each folder on the way down stays open; more than anybody nests.
constexpr size_t kMaxDepth = 32;

class Walk {
 public:
  explicit Walk(const TimeBox& box) : box_(box) {}

  absl::Status Visit(const UniqueFd& folder, size_t depth) {
    absl::Status status = TakeProcs(folder);
    const int error = GetErrno(status);
    // Below the one that was asked for: removed, so empty; or threaded, so its processes are those
    // of a cgroup above it, which was visited.
    const bool below = depth > 0 && (error == ENODEV || error == ENOENT || error == EOPNOTSUPP);
    if (!status.ok() && !below) return status;
    const absl::StatusOr<std::vector<std::string>> names = ListFolder(folder, box_);
    if (!names.ok()) return GetErrno(names.status()) == ENOENT ? absl::OkStatus() : names.status();
    for (const std::string& name : *names) {
      // Nearly all are files.
      const absl::StatusOr<UniqueFd> child = OpenFolderBelow(folder.get(), name);
      if (!child.ok()) {
        const int reason = GetErrno(child.status());
        if (reason == ENOTDIR || reason == ENOENT || reason == ELOOP) continue;
        return child.status();
      }
      if (depth + 1 >= kMaxDepth) return ErrnoStatus(ELOOP, "cgroups nested too deeply");
      if (absl::Status visited = Visit(*child, depth + 1); !visited.ok()) return visited;
    }
    return absl::OkStatus();
  }

  CgroupMembers& members() { return members_; }

 private:
  absl::Status TakeProcs(const UniqueFd& folder) {
    const absl::StatusOr<UniqueFd> file = OpenFileBelow(folder.get(), "cgroup.procs");
    if (!file.ok()) return file.status();
    const absl::StatusOr<FileText> text = ReadAll(file->get(), kProcsBytes, box_);
    if (!text.ok()) return text.status();
    if (!text->complete) return ErrnoStatus(EINTR, "reading cgroup.procs within the time box");
    const absl::optional<std::vector<int32_t>> pids = ParseCgroupProcs(text->bytes);
    if (!pids.has_value()) return ErrnoStatus(EBADMSG, "cgroup.procs holds no list of processes");
    members_.pids.insert(members_.pids.end(), pids->begin(), pids->end());
    return absl::OkStatus();
  }

  const TimeBox& box_;
  CgroupMembers members_;
};

}  // namespace

absl::optional<std::vector<int32_t>> ParseCgroupProcs(absl::string_view text) {
  std::vector<int32_t> pids;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    int32_t pid = 0;
    if (end == absl::string_view::npos || !ParseDecimal(text.substr(0, end), pid)) {
      return absl::nullopt;
    }
    pids.push_back(pid);
    text.remove_prefix(end + 1);
  }
  return pids;
}

absl::StatusOr<CgroupMembers> ReadCgroupMembers(const std::string& path, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> folder = OpenRoot(path);
  if (!folder.ok()) return folder.status();
  Walk walk(box);
  const absl::Status status = walk.Visit(*folder, 0);
  if (!status.ok() && GetErrno(status) != EINTR) return status;
  walk.members().complete = status.ok();
  return std::move(walk.members());
}

}  // namespace dmaheap

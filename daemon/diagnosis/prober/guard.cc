#include "daemon/diagnosis/prober/guard.h"

#include <algorithm>
#include <cerrno>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/diagnosis/prober/cgroup_members.h"
#include "daemon/diagnosis/prober/tree.h"
#include "daemon/diagnosis/prober/vital_process.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// A name and a newline (TASK_COMM_LEN is 16; kernel threads have up to 64).
constexpr size_t kCommBytes = 128;

GuardReply Unknown(int error_number, int32_t pid = 0) {
  GuardReply reply;
  reply.finding = GuardFinding::kUnknown;
  reply.error_number = error_number;
  reply.pid = pid;
  return reply;
}

GuardReply Found(GuardFinding finding, int32_t pid) {
  GuardReply reply;
  reply.finding = finding;
  reply.pid = pid;
  return reply;
}

absl::StatusOr<std::string> ReadComm(int proc, int32_t pid, const TimeBox& box) {
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(proc, absl::StrCat(pid, "/comm"));
  if (!file.ok()) return file.status();
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kCommBytes, box);
  if (!text.ok()) return text.status();
  return std::string(absl::StripSuffix(text->bytes, "\n"));
}

GuardReply Check(const GuardRequest& request, absl::Span<const std::string> cgroups,
                 const ProberRoots& roots, const TimeBox& box) {
  if (request.cgroup >= cgroups.size() || request.pid_count > kMaxGuardedPids) {
    return Unknown(EINVAL);
  }
  const absl::StatusOr<CgroupMembers> members = ReadCgroupMembers(cgroups[request.cgroup], box);
  if (!members.ok()) return Unknown(GetErrno(members.status()));
  const absl::Span<const int32_t> guarded(request.pids, request.pid_count);
  for (const int32_t pid : members->pids) {
    if (std::find(guarded.begin(), guarded.end(), pid) != guarded.end() && pid > 0) {
      return Found(GuardFinding::kListed, pid);
    }
    if (pid == 1) return Found(GuardFinding::kVital, pid);
    if (pid == 0) return Unknown(EREMOTE);
  }
  if (!members->complete) return Unknown(ETIMEDOUT);
  const absl::StatusOr<UniqueFd> proc = OpenRoot(roots.proc);
  if (!proc.ok()) return Unknown(GetErrno(proc.status()));
  for (const int32_t pid : members->pids) {
    if (box.Ended()) return Unknown(ETIMEDOUT);
    const absl::StatusOr<std::string> comm = ReadComm(proc->get(), pid, box);
    const int error = GetErrno(comm.status());
    // Gone meanwhile.
    if (error == ENOENT || error == ESRCH) continue;
    if (!comm.ok()) return Unknown(error, pid);
    if (IsVitalName(*comm)) return Found(GuardFinding::kVital, pid);
  }
  return Found(GuardFinding::kClear, 0);
}

}  // namespace

GuardReply CheckCgroup(const GuardRequest& request, absl::Span<const std::string> cgroups,
                       const ProberRoots& roots, const TimeBox& box) {
  GuardReply reply = Check(request, cgroups, roots, box);
  reply.sequence = request.sequence;
  return reply;
}

}  // namespace dmaheap

#include "daemon/diagnosis/prober/area_reader.h"

#include <cerrno>
#include <initializer_list>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// The buffer in which kernels before 5.13 made the name of the folder (char name[16]).
constexpr size_t kOldFolderNameBytes = 15;

absl::StatusOr<UniqueFd> OpenFirst(const std::string& root,
                                   std::initializer_list<std::string> paths) {
  const absl::StatusOr<UniqueFd> folder = OpenRoot(root);
  if (!folder.ok()) return folder.status();
  absl::StatusOr<UniqueFd> found = ErrnoStatus(ENOENT, "no path");
  for (const std::string& path : paths) {
    found = OpenFolderBelow(folder->get(), path);
    if (found.ok()) break;
  }
  return found;
}

// Reads a number into its field, and marks it present.
class NumberTaker {
 public:
  NumberTaker(const absl::StatusOr<UniqueFd>& folder, const TimeBox& box, AreaRecord& record)
      : folder_(folder), box_(box), record_(record) {}

  template <typename Field>
  void Take(absl::string_view file, uint32_t bit, Field& field) {
    if (!folder_.ok() || (record_.present & bit) != 0) return;
    const absl::StatusOr<uint64_t> number = ReadNumberBelow(folder_->get(), file, box_);
    if (!number.ok()) return;
    field = static_cast<Field>(*number);
    record_.present |= bit;
  }

 private:
  const absl::StatusOr<UniqueFd>& folder_;
  const TimeBox& box_;
  AreaRecord& record_;
};

}  // namespace

ProberReply ReadAreaState(const ProberRoots& roots, absl::string_view area, const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kAreaState;
  if (area.empty() || area == "." || area == ".." || absl::StrContains(area, '/')) {
    reply.error_number = EINVAL;
    return reply;
  }
  AreaRecord record;
  const std::string old_name = absl::StrCat("cma-", area).substr(0, kOldFolderNameBytes);
  const absl::StatusOr<UniqueFd> debugfs =
      OpenFirst(roots.debugfs, {absl::StrCat("cma/", area), absl::StrCat("cma/", old_name)});
  NumberTaker from_debugfs(debugfs, box, record);
  // Where ranges exist, base_pfn beside them is a link, which is not followed.
  from_debugfs.Take("base_pfn", kAreaBasePfn, record.base_pfn);
  from_debugfs.Take("ranges/0/base_pfn", kAreaBasePfn, record.base_pfn);
  from_debugfs.Take("count", kAreaCount, record.count_pages);
  from_debugfs.Take("order_per_bit", kAreaOrderPerBit, record.order_per_bit);
  from_debugfs.Take("used", kAreaUsed, record.used_pages);
  from_debugfs.Take("maxchunk", kAreaMaxChunk, record.maxchunk_pages);
  record.debugfs_errno = debugfs.ok() ? 0 : GetErrno(debugfs.status());

  const absl::StatusOr<UniqueFd> sysfs =
      OpenFirst(roots.sys, {absl::StrCat("kernel/mm/cma/", area)});
  NumberTaker from_sysfs(sysfs, box, record);
  from_sysfs.Take("alloc_pages_success", kAreaAllocSuccess, record.alloc_success_pages);
  from_sysfs.Take("alloc_pages_fail", kAreaAllocFail, record.alloc_fail_pages);
  from_sysfs.Take("release_pages_success", kAreaReleaseSuccess, record.release_success_pages);
  record.sysfs_errno = sysfs.ok() ? 0 : GetErrno(sysfs.status());
  reply.areas.push_back(record);
  return reply;
}

}  // namespace dmaheap

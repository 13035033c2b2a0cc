#include "daemon/diagnosis/prober/area_reader.h"

#include <cerrno>
#include <initializer_list>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/tree.h"
#include "heaps/cma_area.h"
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

bool IsFolderName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." && !absl::StrContains(name, '/');
}

absl::StatusOr<UniqueFd> OpenInDebugfs(const ProberRoots& roots, absl::string_view area) {
  const std::string old_name = absl::StrCat("cma-", area).substr(0, kOldFolderNameBytes);
  return OpenFirst(roots.debugfs, {absl::StrCat("cma/", area), absl::StrCat("cma/", old_name)});
}

void TakeFromDebugfs(const absl::StatusOr<UniqueFd>& folder, const TimeBox& box,
                     AreaRecord& record) {
  NumberTaker numbers(folder, box, record);
  // Where ranges exist, base_pfn beside them is a link, which is not followed.
  numbers.Take("base_pfn", kAreaBasePfn, record.base_pfn);
  numbers.Take("ranges/0/base_pfn", kAreaBasePfn, record.base_pfn);
  numbers.Take("count", kAreaCount, record.count_pages);
  numbers.Take("order_per_bit", kAreaOrderPerBit, record.order_per_bit);
  numbers.Take("used", kAreaUsed, record.used_pages);
  numbers.Take("maxchunk", kAreaMaxChunk, record.maxchunk_pages);
  record.debugfs_errno = folder.ok() ? 0 : GetErrno(folder.status());
}

// Where ranges exist, bitmap is a link too. The lists of several ranges can not be told apart from
// one: the kernel says of none how long it is.
absl::StatusOr<UniqueFd> OpenBitmap(int folder) {
  if (OpenFolderBelow(folder, "ranges/1").ok()) {
    return ErrnoStatus(ENOTSUP, "an area of several ranges");
  }
  absl::StatusOr<UniqueFd> bitmap = OpenFileBelow(folder, "ranges/0/bitmap");
  if (!bitmap.ok()) bitmap = OpenFileBelow(folder, "bitmap");
  return bitmap;
}

// 11 characters for 32 pages: the bitmap of an area of 64 GiB.
constexpr size_t kBitmapBytes = 8 << 20;

absl::StatusOr<CmaFreeList> ReadBitmap(int folder, const AreaRecord& area, const TimeBox& box) {
  if ((area.present & kAreaCount) == 0 || (area.present & kAreaOrderPerBit) == 0) {
    return ErrnoStatus(ENOENT, "no count");
  }
  const absl::StatusOr<UniqueFd> file = OpenBitmap(folder);
  if (!file.ok()) return file.status();
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kBitmapBytes, box);
  if (!text.ok()) return text.status();
  if (!text->complete) return ErrnoStatus(ETIME, "reading the bitmap");
  absl::StatusOr<CmaFreeList> list = ParseCmaBitmap(
      text->bytes, static_cast<int64_t>(area.count_pages), static_cast<int>(area.order_per_bit));
  if (!list.ok()) return ErrnoStatus(EBADMSG, list.status().message());
  return list;
}

}  // namespace

ProberReply ReadAreaState(const ProberRoots& roots, absl::string_view area, const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kAreaState;
  if (!IsFolderName(area)) {
    reply.error_number = EINVAL;
    return reply;
  }
  AreaRecord record;
  TakeFromDebugfs(OpenInDebugfs(roots, area), box, record);

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

ProberReply ReadFreeRuns(const ProberRoots& roots, absl::string_view area, const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kFreeRuns;
  if (!IsFolderName(area)) {
    reply.error_number = EINVAL;
    return reply;
  }
  const absl::StatusOr<UniqueFd> folder = OpenInDebugfs(roots, area);
  if (!folder.ok()) {
    reply.error_number = GetErrno(folder.status());
    return reply;
  }
  AreaRecord record;
  TakeFromDebugfs(folder, box, record);
  const absl::StatusOr<CmaFreeList> list = ReadBitmap(folder->get(), record, box);
  if (!list.ok()) {
    reply.error_number = GetErrno(list.status());
    return reply;
  }
  if (list->runs.size() > kMaxProberRecords) {
    reply.error_number = EMSGSIZE;
    return reply;
  }
  reply.areas.push_back(record);
  for (const PageRun& run : list->runs) {
    reply.runs.push_back({static_cast<uint64_t>(run.first), static_cast<uint64_t>(run.pages)});
  }
  return reply;
}

}  // namespace dmaheap

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

bool IsFolderName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." && !absl::StrContains(name, '/');
}

absl::StatusOr<UniqueFd> OpenInDebugfs(const ProberRoots& roots, absl::string_view area) {
  const std::string old_name = absl::StrCat("cma-", area).substr(0, kOldFolderNameBytes);
  return OpenFirst(roots.debugfs, {absl::StrCat("cma/", area), absl::StrCat("cma/", old_name)});
}

// Where ranges exist, bitmap beside them is a link, which is not followed. The lists of several
// ranges can not be told apart from one: the kernel says of none how long it is.
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

absl::StatusOr<CmaFreeList> ReadBitmap(int folder, const TimeBox& box) {
  const absl::StatusOr<uint64_t> count = ReadNumberBelow(folder, "count", box);
  if (!count.ok()) return count.status();
  const absl::StatusOr<uint64_t> order = ReadNumberBelow(folder, "order_per_bit", box);
  if (!order.ok()) return order.status();
  const absl::StatusOr<UniqueFd> file = OpenBitmap(folder);
  if (!file.ok()) return file.status();
  const absl::StatusOr<FileText> text = ReadAll(file->get(), kBitmapBytes, box);
  if (!text.ok()) return text.status();
  if (!text->complete) return ErrnoStatus(ETIME, "reading the bitmap");
  absl::StatusOr<CmaFreeList> list =
      ParseCmaBitmap(text->bytes, static_cast<int64_t>(*count), static_cast<int>(*order));
  if (!list.ok()) return ErrnoStatus(EBADMSG, list.status().message());
  return list;
}

}  // namespace

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
  const absl::StatusOr<CmaFreeList> list = ReadBitmap(folder->get(), box);
  if (!list.ok()) {
    reply.error_number = GetErrno(list.status());
    return reply;
  }
  if (list->runs.size() > kMaxProberRecords) {
    reply.error_number = EMSGSIZE;
    return reply;
  }
  reply.areas.push_back({.count_pages = static_cast<uint64_t>(list->total_pages)});
  for (const PageRun& run : list->runs) {
    reply.runs.push_back({static_cast<uint64_t>(run.first), static_cast<uint64_t>(run.pages)});
  }
  return reply;
}

}  // namespace dmaheap

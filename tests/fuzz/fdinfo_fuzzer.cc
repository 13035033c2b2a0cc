// The items of an epoll set and the marks of inotify, as fdinfo lists them: none is passed over in
// silence, since a missing one means that memory is gone.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "heaps/fdinfo.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

size_t Lines(absl::string_view text, absl::string_view prefix) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  return static_cast<size_t>(absl::c_count_if(
      lines, [&](absl::string_view line) { return absl::StartsWith(line, prefix); }));
}

constexpr absl::string_view kBegin = "pos:\t0\nflags:\t02\nmnt_id:\t15\n";

void CheckEpoll(absl::string_view text) {
  const auto items = ParseEpollItems(text);
  if (!items.ok()) return;
  DEMAND(items->size() == Lines(text, "tfd:"));
  std::string written(kBegin);
  for (const uint64_t item : *items) {
    absl::StrAppend(&written,
                    "tfd:        8 events:       18 data: ", absl::Hex(item, absl::kSpacePad16),
                    "  pos:0 ino:1f40 sdev:d\n");
  }
  const auto again = ParseEpollItems(written);
  DEMAND(again.ok() && *again == *items);
}

void CheckInotify(absl::string_view text) {
  const auto marks = ParseInotifyMarks(text);
  if (!marks.ok()) return;
  DEMAND(marks->size() == Lines(text, "inotify "));
  std::string written(kBegin);
  for (const InotifyMark& mark : *marks) {
    DEMAND(mark.wd >= 0);
    absl::StrAppend(&written, "inotify wd:", absl::Hex(mark.wd), " ino:", absl::Hex(mark.inode),
                    " sdev:1 mask:400 ignored_mask:0 fhandle-bytes:8\n");
  }
  const auto again = ParseInotifyMarks(written);
  DEMAND(again.ok() && *again == *marks);
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dmaheap::fuzz::CheckEpoll(dmaheap::fuzz::AsText(data, size));
  dmaheap::fuzz::CheckInotify(dmaheap::fuzz::AsText(data, size));
  return 0;
}

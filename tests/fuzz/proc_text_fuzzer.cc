// What /proc says of open files and mappings.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/proc_text.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

void CheckLink(absl::string_view target) {
  if (const auto inode = ParsePipeLink(target); inode.has_value()) {
    DEMAND(target == absl::StrCat("pipe:[", *inode, "]"));
    DEMAND(!ClassifyPath(target).has_value());
  }
  const auto backing = ClassifyPath(target);
  if (backing == BufferBacking::kMemfd) {
    DEMAND(absl::StrContains(target, LabelOfMemfd(target)));
  }
}

std::string Written(const FdInfo& info) {
  std::string text = "pos:\t0\nflags:\t02\n";
  if (info.mount_id.has_value()) absl::StrAppend(&text, "mnt_id:\t", *info.mount_id, "\n");
  if (info.inode.has_value()) absl::StrAppend(&text, "ino:\t", *info.inode, "\n");
  if (info.size_bytes.has_value()) absl::StrAppend(&text, "size:\t", *info.size_bytes, "\n");
  if (info.references.has_value()) absl::StrAppend(&text, "count:\t", *info.references, "\n");
  return absl::StrCat(text, "exp_name:\t", info.exporter, "\nname:\t", info.name, "\n");
}

void CheckFdInfo(absl::string_view text) {
  const FdInfo info = ParseFdInfo(text);
  DEMAND(!absl::StrContains(info.name, "\n") && !absl::StrContains(info.exporter, "\n"));
  const FdInfo again = ParseFdInfo(Written(info));
  DEMAND(again.mount_id == info.mount_id && again.inode == info.inode);
  DEMAND(again.size_bytes == info.size_bytes && again.references == info.references);
  DEMAND(again.exporter == info.exporter && again.name == info.name);
  // What somebody puts behind the name changes nothing.
  const FdInfo longer = ParseFdInfo(absl::StrCat(Written(info), "ino:\t1\nsize:\t2\nname:\t3\n"));
  DEMAND(longer.inode == info.inode && longer.size_bytes == info.size_bytes);
  DEMAND(longer.name == info.name);
}

void CheckMapsLine(absl::string_view text) {
  const auto line = ParseMapsLine(text);
  if (line.has_value()) {
    DEMAND(!line->path.empty() && absl::EndsWith(text, line->path));
    const std::string written =
        absl::StrCat("7f00-7f01 r--p 0 ", line->device, " ", line->inode, "      ", line->path);
    const auto again = ParseMapsLine(written);
    DEMAND(again.has_value() && again->inode == line->inode && again->path == line->path);
    DEMAND(again->device == line->device);
  }
  if (const auto range = ParseAddresses(text); range.has_value()) {
    DEMAND(range->begin < range->end && range->end >> 63 == 0);
    const auto again =
        ParseAddresses(absl::StrCat(absl::Hex(range->begin), "-", absl::Hex(range->end), " r--p"));
    DEMAND(again.has_value() && again->begin == range->begin && again->end == range->end);
  }
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap::fuzz;
  const absl::string_view text = AsText(data, size);
  CheckLink(text);
  CheckFdInfo(text);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) CheckMapsLine(line);
  return 0;
}

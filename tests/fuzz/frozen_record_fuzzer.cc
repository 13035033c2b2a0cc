// The file by which what a killed keeper froze is thawed.

#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/keeper/frozen_record.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/scratch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  static const fuzz::ScratchFolder folder;
  const FrozenRecord record(folder.path());
  const absl::string_view text = fuzz::AsText(data, size);
  fuzz::WriteFile(record.path(), text);
  const auto cgroup = record.Read();
  if (cgroup.ok()) {
    DEMAND(cgroup->has_value() && !(*cgroup)->path.empty());
    // Nothing but what Write writes.
    DEMAND(text == absl::StrCat((*cgroup)->inode, " ", (*cgroup)->path, "\n"));
    // A path that the kernel would take for a shorter one.
    DEMAND(!absl::StrContains((*cgroup)->path, absl::string_view("\0", 1)));
    DEMAND(record.Write(**cgroup).ok());
    const auto again = record.Read();
    DEMAND(again.ok() && again->has_value() && (*again)->path == (*cgroup)->path);
    DEMAND((*again)->inode == (*cgroup)->inode);
  } else {
    DEMAND(absl::IsDataLoss(cgroup.status()));
  }
  record.Remove();
  const auto none = record.Read();
  DEMAND(none.ok() && !none->has_value());
  return 0;
}

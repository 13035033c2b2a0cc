#include "daemon/diagnosis/prober/frame_tables.h"

#include <unistd.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

bool ReadTable(int proc, absl::string_view table, uint64_t frame, uint64_t& value) {
  const absl::StatusOr<UniqueFd> file = OpenFileBelow(proc, table);
  return file.ok() && pread(file->get(), &value, sizeof(value),
                            static_cast<off_t>(frame * sizeof(value))) == sizeof(value);
}

}  // namespace

void ReadMapCount(int proc, FrameRecord& record) {
  if (ReadTable(proc, "kpagecount", record.frame, record.map_count)) {
    record.present |= kFrameMapCount;
  }
}

void ReadFrameFlags(int proc, FrameRecord& record) {
  if (ReadTable(proc, "kpageflags", record.frame, record.flags)) record.present |= kFrameFlags;
}

}  // namespace dmaheap

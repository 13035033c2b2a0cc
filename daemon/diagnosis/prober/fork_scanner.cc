#include "daemon/diagnosis/prober/fork_scanner.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/mapper_scanner.h"
#include "daemon/diagnosis/prober/process_origin.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/decimal.h"

namespace dmaheap {
bool IsMappedByForker(const UniqueFd& proc, uint64_t frame, absl::Duration since_boot,
                      const TimeBox& box, absl::FunctionRef<bool()> go_on) {
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(proc, box);
  if (!names.ok()) return false;
  std::set<int32_t> forkers;
  for (const std::string& name : *names) {
    int32_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid <= 0) continue;
    if (box.Ended() || !go_on()) return false;
    const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc.get(), name);
    if (!process.ok()) continue;
    const absl::optional<ProcessOrigin> origin = ReadProcessOrigin(process->get(), box);
    if (!origin.has_value() || origin->parent <= 0) continue;
    if (since_boot - origin->began < kYoung) forkers.insert(origin->parent);
  }
  for (const int32_t pid : forkers) {
    if (box.Ended() || !go_on()) return false;
    const absl::StatusOr<UniqueFd> process = OpenFolderBelow(proc.get(), absl::StrCat(pid));
    if (process.ok() && MapsFrame(process->get(), frame, box)) return true;
  }
  return false;
}

}  // namespace dmaheap

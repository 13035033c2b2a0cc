// What /proc says of a process: where it comes from, its cgroup, and who is in a cgroup. And how
// such texts are put into records.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "daemon/diagnosis/prober/cgroup_members.h"
#include "daemon/diagnosis/prober/process_identity.h"
#include "daemon/diagnosis/prober/process_origin.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

void CheckOrigin(absl::string_view text) {
  DEMAND(!ParseProcessOrigin(text, 0).has_value());
  for (const int64_t ticks : {1, 100, 1024}) {
    const auto origin = ParseProcessOrigin(text, ticks);
    if (!origin.has_value()) continue;
    DEMAND(origin->parent >= 0);
    DEMAND(origin->began >= absl::ZeroDuration());
  }
}

void CheckCgroupPath(absl::string_view text) {
  const absl::string_view path = CgroupPathOf(text);
  DEMAND(!absl::StrContains(path, "\n"));
  DEMAND(path.empty() ||
         (path.data() >= text.data() && path.data() + path.size() <= text.data() + text.size()));
  DEMAND(CgroupPathOf(absl::StrCat("1:name=systemd:/other\n0::", path, "\n")) == path);
}

void CheckMembers(absl::string_view text) {
  const auto pids = ParseCgroupProcs(text);
  if (!pids.has_value()) return;
  std::string written = absl::StrJoin(*pids, "\n");
  if (!pids->empty()) written += "\n";
  DEMAND(written == text);
}

void CheckPutText(absl::string_view text) {
  char place[16];
  for (const size_t bytes : {size_t{4}, size_t{5}, sizeof(place)}) {
    memset(place, 'x', sizeof(place));
    PutText(text, place, bytes);
    const size_t length = std::min(text.size(), bytes - 1);
    DEMAND(place[length] == '\0');
    absl::string_view put(place, length);
    if (text.size() > length) DEMAND(absl::ConsumePrefix(&put, "..."));
    DEMAND(absl::EndsWith(text, put));
    for (size_t i = bytes; i < sizeof(place); ++i) DEMAND(place[i] == 'x');
  }
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap::fuzz;
  const absl::string_view text = AsText(data, size);
  CheckOrigin(text);
  CheckCgroupPath(text);
  CheckMembers(text);
  CheckPutText(text);
  return 0;
}

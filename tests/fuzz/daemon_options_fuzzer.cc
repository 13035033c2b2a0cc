// The command line of dmaheapd: options that keep to what options.h promises, or a complaint.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/options.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/words.h"

namespace dmaheap::fuzz {
namespace {

void CheckOptions(const Options& options) {
  DEMAND(!options.state_dir.empty());
  DEMAND(options.nice >= -20 && options.nice <= 19);
  DEMAND(options.watchdog >= absl::ZeroDuration());
  DEMAND(options.watchdog < absl::InfiniteDuration());
  DEMAND(options.ready_fd >= -1);
  DEMAND(CheckBarrierCgroups(options.barrier_cgroups).ok());
  DEMAND(CheckSyncFilesystems(options.sync_filesystems).ok());
  if (options.simulate.has_value()) {
    DEMAND(options.simulate->size_bytes > 0 && options.simulate->size_bytes % 4096 == 0);
    DEMAND(!options.simulate->name.empty());
  }
  std::set<std::string> names;
  for (const DrmHeapOption& heap : options.drm_heaps) {
    DEMAND(heap.path[0] == '/');
    DEMAND(names.insert(heap.name).second);
  }
}

void CheckValues(absl::string_view text) {
  if (const auto size = ParseSize(text); size.ok()) {
    DEMAND(*size > 0 && *size % 4096 == 0);
    DEMAND(ParseSize(absl::StrCat(*size)) == size);
  }
  if (const auto simulate = ParseSimulate(text); simulate.ok()) {
    const auto again = ParseSimulate(absl::StrCat(simulate->size_bytes, ",", simulate->name));
    DEMAND(again.ok() && again->name == simulate->name);
    DEMAND(again->size_bytes == simulate->size_bytes);
  }
  if (const auto heap = ParseDrmHeap(text); heap.ok()) {
    DEMAND(text == absl::StrCat(heap->name, "=", heap->path) && heap->path[0] == '/');
  }
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const fuzz::Words words("dmaheapd", fuzz::Input(data, size));
  const CommandLine line = ParseCommandLine(words.count(), words.pointers());
  if (line.options.has_value()) {
    fuzz::CheckOptions(*line.options);
  } else {
    DEMAND(!line.text.empty());
    DEMAND(line.exit_code == 0 || line.exit_code == kExitUsage);
  }
  fuzz::CheckValues(fuzz::AsText(data, size));
  return 0;
}

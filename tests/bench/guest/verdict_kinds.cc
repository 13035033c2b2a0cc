#include "tests/bench/guest/verdict_kinds.h"

#include "tests/bench/guest/leaking_client.h"
#include "tests/vm/tools/area_filler.h"
#include "tests/vm/tools/direct_io_pin.h"
#include "tests/vm/tools/no_migration_target.h"
#include "tests/vm/tools/pipe_pin.h"
#include "tests/vm/tools/process_storm.h"

namespace dmaheap::bench {
namespace {

constexpr int64_t kMiB = 1 << 20;
// Of the area of 64: each window of it meets what is spread over the area.
constexpr int64_t kLarge = 60 * kMiB;
constexpr int64_t kWhole = 64 * kMiB;

// A transfer is far shorter than what counts as stuck.
constexpr int64_t kTransferMs = 100;

}  // namespace

std::vector<VerdictKind> VerdictKinds() {
  const auto pin = [](std::unique_ptr<Trouble> (*make)(const Settings&)) {
    return [make] { return make(PipePinDefaults()); };
  };
  Settings transfer = DirectIoPinDefaults();
  transfer["ms"] = kTransferMs;
  return {
      {"vmsplice", pin(&MakeVmsplicePin), kLarge, "default", /*we_pin=*/true},
      {"unmapped", pin(&MakeUnmappedPin), kLarge, "default", /*we_pin=*/true},
      {"memfd_splice", pin(&MakeMemfdPin), kLarge, "default", /*we_pin=*/true},
      {"tmpfs", pin(&MakeTmpfsPin), kLarge, "default", /*we_pin=*/true},
      {"page_cache", pin(&MakePageCachePin), kLarge, "default", /*we_pin=*/true},
      {"direct_io", [transfer] { return MakeDirectIoPin(transfer); }, kLarge, "failfast",
       /*we_pin=*/true, /*tries=*/20},
      {"fork", [] { return MakeForkStorm(ForkStormDefaults()); }, kWhole, "failfast",
       /*we_pin=*/false, /*tries=*/100},
      {"exit", [] { return MakeExitStorm(ExitStormDefaults()); }, kWhole, "failfast",
       /*we_pin=*/false, /*tries=*/100},
      {"full", [] { return MakeFullArea(AreaFillerDefaults()); }, kMiB, "failfast"},
      {"fragmented", [] { return MakeFragmentedArea(AreaFillerDefaults()); }, kLarge / 2,
       "failfast"},
      {"leak", &MakeLeakingClient, kLarge / 2, "failfast"},
      {"no_target", [] { return MakeNoMigrationTarget(NoMigrationTargetDefaults()); }, kWhole,
       "failfast"},
  };
}

}  // namespace dmaheap::bench

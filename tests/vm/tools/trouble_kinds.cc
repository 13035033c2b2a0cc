#include "tests/vm/tools/trouble_kinds.h"

#include "tests/vm/tools/area_filler.h"
#include "tests/vm/tools/direct_io_pin.h"
#include "tests/vm/tools/memory_hold.h"
#include "tests/vm/tools/no_migration_target.h"
#include "tests/vm/tools/occupant.h"
#include "tests/vm/tools/pipe_pin.h"
#include "tests/vm/tools/process_storm.h"
#include "tests/vm/tools/unwritten_file.h"

namespace dmaheap {

const std::map<std::string, TroubleKind>& TroubleKinds() {
  static const auto* const kKinds = new std::map<std::string, TroubleKind>{
      {"direct_io_pin", {DirectIoPinDefaults(), &MakeDirectIoPin}},
      {"exit_storm", {ExitStormDefaults(), &MakeExitStorm}},
      {"fork_storm", {ForkStormDefaults(), &MakeForkStorm}},
      {"fragmented_area", {AreaFillerDefaults(), &MakeFragmentedArea}},
      {"full_area", {AreaFillerDefaults(), &MakeFullArea}},
      {"memfd_pin", {PipePinDefaults(), &MakeMemfdPin}},
      {"memory_hold", {MemoryHoldDefaults(), &MakeMemoryHold}},
      {"no_migration_target", {NoMigrationTargetDefaults(), &MakeNoMigrationTarget}},
      {"page_cache_pin", {PipePinDefaults(), &MakePageCachePin}},
      {"page_cache_occupant", {OccupantDefaults(), &MakePageCacheOccupant}},
      {"tmpfs_occupant", {OccupantDefaults(), &MakeTmpfsOccupant}},
      {"tmpfs_pin", {PipePinDefaults(), &MakeTmpfsPin}},
      {"unmapped_pin", {PipePinDefaults(), &MakeUnmappedPin}},
      {"unwritten_file", {UnwrittenFileDefaults(), &MakeUnwrittenFile}},
      {"vmsplice_pin", {PipePinDefaults(), &MakeVmsplicePin}},
  };
  return *kKinds;
}

}  // namespace dmaheap

// Movable memory in the area, and nothing free to move it to: the area has room, and yet gives
// nothing.

#ifndef TESTS_VM_TOOLS_NO_MIGRATION_TARGET_H_
#define TESTS_VM_TOOLS_NO_MIGRATION_TARGET_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// pages: how many lie in the area. leave_mib: how much stays free outside of it.
Settings NoMigrationTargetDefaults();
std::unique_ptr<Trouble> MakeNoMigrationTarget(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_NO_MIGRATION_TARGET_H_

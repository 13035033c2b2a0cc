// Memory in the area that could move, and nothing free to move it to: the area has room, nobody
// pins a page of it, and yet it gives nothing.
//
// A huge page moves only to a huge page, 2 MiB in a row (mm/hugetlb.c,
// alloc_migrate_hugetlb_folio). So no memory has to run out: what is free outside of the area lies
// in pieces that are too short, and everybody else goes on.

#ifndef TESTS_VM_TOOLS_NO_MIGRATION_TARGET_H_
#define TESTS_VM_TOOLS_NO_MIGRATION_TARGET_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// huge_pages: how many are put into the area. scattered_mib: how much is free outside of it, in
// pieces of 1 MiB. leave_mib: how much stays free beside that.
Settings NoMigrationTargetDefaults();
std::unique_ptr<Trouble> MakeNoMigrationTarget(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_NO_MIGRATION_TARGET_H_

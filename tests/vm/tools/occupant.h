// Memory in the area that the kernel can move: it must not make an allocation fail. Either of a
// memfd (tmpfs), or of a file on a disk (the page cache).

#ifndef TESTS_VM_TOOLS_OCCUPANT_H_
#define TESTS_VM_TOOLS_OCCUPANT_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// pages: how many of its pages have to lie in the area.
Settings OccupantDefaults();
std::unique_ptr<Trouble> MakeTmpfsOccupant(const Settings& settings);
// On ext2, on a disk in memory that this makes and takes away.
std::unique_ptr<Trouble> MakePageCacheOccupant(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_OCCUPANT_H_

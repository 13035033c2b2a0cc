// Buffers that fill the area: all of it, or every second place, so that half of it is free and none
// of the free runs is longer than one buffer.

#ifndef TESTS_VM_TOOLS_AREA_FILLER_H_
#define TESTS_VM_TOOLS_AREA_FILLER_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// kib: size of each buffer.
Settings AreaFillerDefaults();
std::unique_ptr<Trouble> MakeFullArea(const Settings& settings);
std::unique_ptr<Trouble> MakeFragmentedArea(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_AREA_FILLER_H_

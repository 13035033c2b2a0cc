// Pages of the area under a direct transfer from a slow disk: the kernel holds them until the disk
// answers, which takes as long as it is told, again and again.

#ifndef TESTS_VM_TOOLS_DIRECT_IO_PIN_H_
#define TESTS_VM_TOOLS_DIRECT_IO_PIN_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// pages: of one transfer. ms: how long it takes. transfers: how many there are, one after another.
Settings DirectIoPinDefaults();
std::unique_ptr<Trouble> MakeDirectIoPin(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_DIRECT_IO_PIN_H_

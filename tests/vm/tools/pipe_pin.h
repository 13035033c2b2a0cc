// Pages of the area that a pipe holds: a reference for as long as nobody reads the pipe, which no
// migration can undo. Either pages of anonymous memory, by vmsplice(2), also such that nobody has
// mapped any more; or of a file, by splice(2), which needs no privilege, so that any process can do
// it: of a memfd, of a file of tmpfs, or in the page cache of a disk.

#ifndef TESTS_VM_TOOLS_PIPE_PIN_H_
#define TESTS_VM_TOOLS_PIPE_PIN_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// pages: how many.
Settings PipePinDefaults();
std::unique_ptr<Trouble> MakeVmsplicePin(const Settings& settings);
std::unique_ptr<Trouble> MakeUnmappedPin(const Settings& settings);
std::unique_ptr<Trouble> MakeMemfdPin(const Settings& settings);
std::unique_ptr<Trouble> MakeTmpfsPin(const Settings& settings);
std::unique_ptr<Trouble> MakePageCachePin(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_PIPE_PIN_H_

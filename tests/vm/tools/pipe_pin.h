// Pages of the area that a pipe holds: a reference for as long as nobody reads the pipe, which no
// migration can undo. Either pages of anonymous memory, by vmsplice(2), or of a memfd, by
// splice(2): the latter needs no privilege, and any process can do it.

#ifndef TESTS_VM_TOOLS_PIPE_PIN_H_
#define TESTS_VM_TOOLS_PIPE_PIN_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// pages: how many.
Settings PipePinDefaults();
std::unique_ptr<Trouble> MakeVmsplicePin(const Settings& settings);
std::unique_ptr<Trouble> MakeMemfdPin(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_PIPE_PIN_H_

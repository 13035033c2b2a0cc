// Pages of a file in the area that a journal holds until it has written them: of an ext4 that
// journals data, on a disk in memory. By itself it writes them within half a minute or so.

#ifndef TESTS_VM_TOOLS_UNWRITTEN_FILE_H_
#define TESTS_VM_TOOLS_UNWRITTEN_FILE_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// pages: of the file. About half of them come to lie in the area, an eighth at least has to.
Settings UnwrittenFileDefaults();
// It is mounted on /tmp/unwritten: whoever has that open hinders the end.
std::unique_ptr<Trouble> MakeUnwrittenFile(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_UNWRITTEN_FILE_H_

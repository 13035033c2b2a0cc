// Processes that fork, or exit, without pause, so that pages in the area have a reference too many
// for an instant: the copy of a page table takes one, and so does an unmapping until the TLB flush.
//
// Movable memory must lie in the area for that, so the storm first holds unmovable memory until
// its own takes what is left but leave_mib.

#ifndef TESTS_VM_TOOLS_PROCESS_STORM_H_
#define TESTS_VM_TOOLS_PROCESS_STORM_H_

#include <memory>

#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

// processes, mib: how many there are, and what each of them has. leave_mib: what stays free then,
// 70 to 75 MiB with the area of 64: with more the storm is weak, with less the OOM killer ends it.
// rewrite_kib: how much of its memory a process writes to as it forks.
Settings ForkStormDefaults();
Settings ExitStormDefaults();
// Each process forks, and its child exits at once.
std::unique_ptr<Trouble> MakeForkStorm(const Settings& settings);
// Each process has its memory made by a child, which exits.
std::unique_ptr<Trouble> MakeExitStorm(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_PROCESS_STORM_H_

// What the memfd of a simulated buffer is called.

#ifndef HEAPS_MEMFD_NAME_H_
#define HEAPS_MEMFD_NAME_H_

#include "absl/strings/string_view.h"

namespace dmaheap {

// Before the buffer's label, so that a look through /proc (which shows "/memfd:dmaheap:LABEL")
// finds who holds buffers of ours without asking about every other memfd of the machine.
inline constexpr absl::string_view kMemfdNamePrefix = "dmaheap:";

}  // namespace dmaheap

#endif  // HEAPS_MEMFD_NAME_H_

// How a request fares that waits, in one line for people. A pure function.

#ifndef CLIENT_CTL_PROGRESS_TEXT_H_
#define CLIENT_CTL_PROGRESS_TEXT_H_

#include <string>

#include "absl/time/time.h"
#include "client/dmaheap.h"

namespace dmaheap::ctl {

// "attempt 12, 34s, next in 2.5s: your own 24MiB of reserved are in the way; ..." What matters most
// stands first, for the end may be cut. age: so long ago it was told.
std::string ProgressText(const AllocationProgress& progress, absl::Duration age);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_PROGRESS_TEXT_H_

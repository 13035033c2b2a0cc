// What --wait means: until when a request may take, and who is told meanwhile. Pure functions.

#ifndef CLIENT_CTL_WAITING_H_
#define CLIENT_CTL_WAITING_H_

#include "absl/time/time.h"
#include "client/ctl/arguments.h"
#include "client/ctl/progress_display.h"
#include "client/dmaheap.h"

namespace dmaheap::ctl {

absl::Duration DeadlineOf(const Arguments& arguments);

// What shows the progress of a request that was told to wait; empty for another. display outlives
// it.
ProgressCallback ProgressOf(const Arguments& arguments, ProgressDisplay& display);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_WAITING_H_

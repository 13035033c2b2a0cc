// The verbs that change the daemon: reload, log-level.

#ifndef CLIENT_CTL_VERBS_ADMIN_H_
#define CLIENT_CTL_VERBS_ADMIN_H_

#include "absl/status/statusor.h"
#include "client/ctl/arguments.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/streams.h"

namespace dmaheap::ctl {

// Each returns the exit code of the process, or an error to be told.
absl::StatusOr<int> Reload(const Arguments& arguments, Interrupt& interrupt,
                           const Streams& streams);
absl::StatusOr<int> SetLogLevel(const Arguments& arguments, Interrupt& interrupt,
                                const Streams& streams);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VERBS_ADMIN_H_

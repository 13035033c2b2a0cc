// The verbs on buffers: alloc, hold, claim, release.

#ifndef CLIENT_CTL_VERBS_BUFFER_H_
#define CLIENT_CTL_VERBS_BUFFER_H_

#include "absl/status/statusor.h"
#include "client/ctl/arguments.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/streams.h"

namespace dmaheap::ctl {

// Each returns the exit code of the process, or an error to be told.
absl::StatusOr<int> Alloc(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Hold(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Claim(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Release(const Arguments& arguments, Interrupt& interrupt,
                            const Streams& streams);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VERBS_BUFFER_H_

// The verbs that look: get, describe, explain, version.

#ifndef CLIENT_CTL_VERBS_QUERY_H_
#define CLIENT_CTL_VERBS_QUERY_H_

#include "absl/status/statusor.h"
#include "client/ctl/arguments.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/streams.h"

namespace dmaheap::ctl {

// Each returns the exit code of the process, or an error to be told.
absl::StatusOr<int> Get(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Describe(const Arguments& arguments, Interrupt& interrupt,
                             const Streams& streams);
absl::StatusOr<int> Explain(const Arguments& arguments, Interrupt& interrupt,
                            const Streams& streams);
absl::StatusOr<int> Version(const Arguments& arguments, const Streams& streams);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VERBS_QUERY_H_

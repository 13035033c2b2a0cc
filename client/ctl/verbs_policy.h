// The verb that looks at a policy file: policy check.

#ifndef CLIENT_CTL_VERBS_POLICY_H_
#define CLIENT_CTL_VERBS_POLICY_H_

#include "absl/status/statusor.h"
#include "client/ctl/arguments.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/streams.h"

namespace dmaheap::ctl {

// What the policy would do, as the daemon that would run it says; kExitUsage and what is wrong,
// line by line, for a wrong one. Else an error to be told.
absl::StatusOr<int> PolicyCheck(const Arguments& arguments, Interrupt& interrupt,
                                const Streams& streams);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VERBS_POLICY_H_

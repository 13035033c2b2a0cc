// A retry policy as the policy file writes it.

#ifndef DAEMON_CONFIG_RETRY_POLICY_MESSAGE_H_
#define DAEMON_CONFIG_RETRY_POLICY_MESSAGE_H_

#include <vector>

#include "daemon/config/retry_policy.h"
#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

// Fills in the schema's defaults. Where only one of the two backoffs is given, the default of the
// other gives way to it.
RetryPolicy ToRetryPolicy(const config::v1::RetryPolicy& given);

// All that a daemon with this policy has: the shipped ones first, each replaced in its place by
// the file's of that name, then the file's others in their order.
std::vector<RetryPolicy> RetryPoliciesOf(const config::v1::Policy& policy);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_RETRY_POLICY_MESSAGE_H_

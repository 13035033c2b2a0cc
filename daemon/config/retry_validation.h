// What is wrong with the retry policies of a policy file, and with what refers to them.

#ifndef DAEMON_CONFIG_RETRY_VALIDATION_H_
#define DAEMON_CONFIG_RETRY_VALIDATION_H_

#include "daemon/config/policy_problems.h"
#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

// retry_policies, heap_policies, virtual_heaps, and the ceilings of the access rules.
void ValidateRetries(const config::v1::Policy& policy, PolicyProblems& problems);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_RETRY_VALIDATION_H_

// What is wrong with a policy that could be parsed: every rule of the schema's comments, all at
// once.
//
// Pure. It knows nothing of this machine but the page size: whether a heap exists is not its
// question.

#ifndef DAEMON_CONFIG_POLICY_VALIDATION_H_
#define DAEMON_CONFIG_POLICY_VALIDATION_H_

#include <cstdint>
#include <vector>

#include "daemon/config/policy_problems.h"
#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

// Empty for a valid policy. page_size_bytes: of the machine that will use it.
std::vector<PolicyProblem> ValidatePolicy(const config::v1::Policy& policy,
                                          int64_t page_size_bytes);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_POLICY_VALIDATION_H_

// Traces by the names under which a person asks for them.

#ifndef TESTS_POLICY_LAB_NAMED_TRACE_H_
#define TESTS_POLICY_LAB_NAMED_TRACE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tests/policy_lab/pin_trace.h"

namespace dmaheap::policy_lab {

// "fork_storm, exit_storm, ...": for people.
std::string TraceNames();

// One of those, or a file. seed: of one that is made up. kNotFound: neither; kInvalidArgument names
// the file and the line that is wrong.
absl::StatusOr<PinTrace> NamedTrace(const std::string& name, uint64_t seed);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_NAMED_TRACE_H_
